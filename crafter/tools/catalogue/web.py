"""Tools that read the web."""

from crafter.tools.catalogue.definition import SystemTool

WEB_SEARCH = SystemTool(
    name="web_search",
    display_name="Web Search",
    description=(
        "Search the public web and get titles, addresses and snippets. Use it for recent events, facts that "
        "you are not sure of, and sources to cite. Snippets are short: read a result with webpage_scraper if "
        "it matters."
    ),
    category="web",
    handler="webSearchHandler",
    parameters={
        "query": {
            "type": "string",
            "minLength": 1,
            "description": "What to search for: a few specific words, as typed into a search engine.",
        },
        "max_results": {
            "type": "integer",
            "minimum": 1,
            "maximum": 20,
            "default": 5,
            "description": "The largest number of results wanted.",
        },
        "provider": {
            "type": "string",
            "enum": ["brave", "tavily"],
            "description": "The search engine. Leave it out to use the one that is configured for the agent.",
        },
    },
    required=("query",),
    returns={
        "query": {"type": "string"},
        "provider": {"type": "string"},
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "title": {"type": "string"},
                    "url": {"type": "string"},
                    "snippet": {"type": "string"},
                },
            },
        },
        "total_results": {"type": "integer"},
        "search_time_ms": {"type": "number"},
    },
)

WEBPAGE_SCRAPER = SystemTool(
    name="webpage_scraper",
    display_name="Webpage Scraper",
    description=(
        "Fetch one public web page and get its title and readable text, without navigation and scripts. Use "
        "it when the user gives an address, or to read a search result in full. It cannot sign in, click or "
        "submit forms."
    ),
    category="web",
    handler="webpageScraperHandler",
    parameters={
        "url": {
            "type": "string",
            "minLength": 1,
            "description": "The complete address of the page, beginning with http:// or https://.",
        },
        "provider": {
            "type": "string",
            "enum": ["local", "tavily"],
            "description": "How to fetch it. Leave it out to use the way that is configured for the agent.",
        },
    },
    required=("url",),
    returns={
        "url": {"type": "string"},
        "provider": {"type": "string"},
        "content": {"type": "string"},
        "title": {"type": "string"},
        "success": {"type": "boolean"},
        "scrape_time_ms": {"type": "number"},
    },
)

WEB_TOOLS = (WEB_SEARCH, WEBPAGE_SCRAPER)
