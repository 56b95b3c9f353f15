"""Tools that look into what an agent was given to know."""

from crafter.tools.catalogue.definition import SystemTool

_FAQ_MATCH = {
    "type": "object",
    "properties": {
        "question": {"type": "string"},
        "answer": {"type": "string"},
        "category": {"type": "string"},
        "confidence": {"type": "number", "description": "How alike the questions are, from 0 to 1."},
    },
}

FAQ = SystemTool(
    name="faq",
    display_name="FAQ",
    description=(
        "Look a question up in the agent's list of frequently asked questions, and get the approved answer. "
        "Use it first for questions about the organization, its products and its rules, and prefer its "
        "answer to your own."
    ),
    category="knowledge",
    handler="faqHandler",
    parameters={
        "question": {
            "type": "string",
            "minLength": 1,
            "description": "The user's question as one complete sentence, in the user's language.",
        },
        "search_threshold": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "default": 0.7,
            "description": "How alike a stored question must be. Lower it only after nothing was found.",
        },
        "language": {
            "type": "string",
            "default": "auto",
            "description": 'The language of the question as an ISO 639-1 code, such as "en", or "auto".',
        },
    },
    required=("question",),
    returns={
        "question": {"type": "string"},
        "detected_language": {"type": "string"},
        "matched_faq": {**_FAQ_MATCH, "description": "The best match; absent when nothing is alike enough."},
        "all_matches": {"type": "array", "items": _FAQ_MATCH},
        "success": {"type": "boolean"},
        "execution_time_ms": {"type": "number"},
    },
)

RAG_SEARCH = SystemTool(
    name="rag_search",
    display_name="RAG Search",
    description=(
        "Search the project's indexed documents and get the passages that fit. Use it for anything that the "
        "organization's own documents may answer, and base your answer on what it finds. Search again with "
        "other words when the passages do not fit."
    ),
    category="knowledge",
    handler="ragSearchHandler",
    parameters={
        "query": {
            "type": "string",
            "minLength": 1,
            "description": "What is wanted, as a complete question or statement that makes sense on its own.",
        },
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": 20,
            "default": 10,
            "description": "The largest number of passages wanted.",
        },
        "threshold": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "default": 0.7,
            "description": "How similar a passage must be. Lower it when nothing is found.",
        },
        "search_type": {
            "type": "string",
            "enum": ["semantic", "hybrid", "keyword"],
            "default": "semantic",
            "description": "By meaning, by exact words (names, numbers, codes), or by both.",
        },
        "include_metadata": {
            "type": "boolean",
            "default": True,
            "description": "Whether to answer where each passage comes from.",
        },
    },
    required=("query",),
    returns={
        "query": {"type": "string"},
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "content": {"type": "string"},
                    "similarity": {"type": "number"},
                    "metadata": {"type": "object"},
                },
            },
        },
        "total_results": {"type": "integer"},
        "search_method": {"type": "string"},
    },
)

KNOWLEDGE_TOOLS = (FAQ, RAG_SEARCH)
