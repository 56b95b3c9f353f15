"""The three kinds of vector databases from whose fields the web UI builds its form."""

from crafter.absent.schemas import ConfigField, VectorProvider

_MISSING = "not implemented in Crafter: a configuration cannot be saved"

VECTOR_PROVIDERS = [
    VectorProvider(
        id="memory",
        name="In memory",
        description="Vectors in the memory of the server.",
        config_schema={
            "maxDocuments": ConfigField(
                type="number", default=10_000, description="How many documents are kept at most."
            )
        },
        features=[],
        limitations=[_MISSING],
    ),
    VectorProvider(
        id="weaviate",
        name="Weaviate",
        description="A Weaviate server.",
        config_schema={
            "endpoint": ConfigField(type="string", required=True, description="Host of the server."),
            "apiKey": ConfigField(type="string", required=False, description="Its API key, if it wants one."),
            "scheme": ConfigField(
                type="string", enum=["http", "https"], default="https", description="How it is reached."
            ),
            "className": ConfigField(
                type="string", default="LLMCrafterDocument", description="Class of the stored documents."
            ),
        },
        features=[],
        limitations=[_MISSING],
    ),
    VectorProvider(
        id="pinecone",
        name="Pinecone",
        description="An index at Pinecone.",
        config_schema={
            "apiKey": ConfigField(type="string", required=True, description="API key of the account."),
            "environment": ConfigField(type="string", required=True, description="Where the index is."),
            "indexName": ConfigField(type="string", required=True, description="Name of the index."),
        },
        features=[],
        limitations=[_MISSING],
    ),
]
