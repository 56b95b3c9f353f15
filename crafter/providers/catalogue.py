"""What ships with Crafter: the default providers, their models, and how long well-known models can answer."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DefaultProvider:
    """A provider that every deployment starts with."""

    name: str
    display_name: str
    models: tuple[str, ...]


_OPENAI = (
    "gpt-5.4",
    "gpt-5.4-mini",
    "gpt-5.4-nano",
    "gpt-5.3",
    "gpt-5.2",
    "gpt-5.2-pro",
    "gpt-5.2-chat-latest",
    "gpt-5.1",
    "gpt-5.1-pro",
    "gpt-5.1-codex",
    "gpt-5.1-codex-max",
    "gpt-5.1-codex-mini",
    "gpt-5.1-chat-latest",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-5-pro",
    "gpt-5-codex",
    "gpt-5-chat-latest",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4.1-nano",
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4-turbo",
    "chatgpt-4o-latest",
    "gpt-4o-search-preview",
    "gpt-4o-mini-search-preview",
    "o4-mini",
    "o4-mini-deep-research",
    "o3",
    "o3-pro",
    "o3-mini",
    "o3-deep-research",
    "o1",
    "o1-mini",
    "o1-preview",
    "gpt-4",
    "gpt-4-turbo-preview",
    "gpt-4.5-preview",
    "gpt-3.5-turbo",
    "text-embedding-3-large",
    "text-embedding-3-small",
    "text-embedding-ada-002",
    "3-large-256",
    "3-large-1024",
    "3-small-512",
    "omni-moderation-latest",
    "text-moderation-latest",
    "text-moderation-stable",
    "gpt-oss-120b",
    "gpt-oss-20b",
    "davinci-002",
    "babbage-002",
    "computer-use-preview",
    "codex-mini-latest",
)

_ANTHROPIC = (
    "claude-opus-4-6",
    "claude-sonnet-4-6",
    "claude-haiku-4-5-20251001",
    "claude-sonnet-4-5-20250929",
    "claude-sonnet-4-5-long",
    "claude-opus-4-1-20250805",
    "claude-opus-4-20250514",
    "claude-sonnet-4-20250514",
    "claude-3-7-sonnet-20250219",
    "claude-3-5-sonnet-20241022",
    "claude-3-5-haiku-20241022",
    "claude-3-opus-20240229",
    "claude-3-sonnet-20240229",
    "claude-3-haiku-20240307",
)

_GOOGLE = (
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "gemini-2.0-flash",
    "gemini-1.5-pro",
    "gemini-1.5-pro-exp-0801",
    "gemini-1.5-flash",
    "gemini-1.5-flash-8b",
    "gemini-1.0-pro",
    "gemini-1.0-pro-vision",
    "gemini-1.5-pro-vision",
)

_DEEPSEEK = (
    "DeepSeek-V3",
    "DeepSeek-R1",
    "deepseek-llm-7b-base",
    "deepseek-llm-7b-chat",
    "deepseek-llm-67b-base",
    "deepseek-llm-67b-chat",
    "DeepSeek-VL",
    "DeepSeek-VL2",
    "DeepSeek-Math",
    "DeepSeek-Prover",
    "DeepSeek-R1-Distill-Qwen-32B",
    "JanusFlow",
    "Janus-Pro",
)

_XAI = (
    "grok-4",
    "grok-4-fast-reasoning",
    "grok-4-fast-non-reasoning",
    "grok-code-fast-1",
    "grok-3",
    "grok-3-mini",
    "grok-2-image-1212",
    "grok-2",
    "grok-2-1212",
    "grok-2-mini",
    "grok-1.5",
    "grok-1.5-vision",
    "grok-1",
    "grok-beta",
    "grok-vision-beta",
)

DEFAULT_PROVIDERS = (
    DefaultProvider("openai", "OpenAI", _OPENAI),
    DefaultProvider("anthropic", "Anthropic", _ANTHROPIC),
    DefaultProvider("google", "Google", _GOOGLE),
    DefaultProvider("deepseek", "DeepSeek", _DEEPSEEK),
    DefaultProvider("xai", "xAI", _XAI),
)
"""The defaults of LLM Crafter, model for model."""

DISPLAY_NAMES: Mapping[str, str] = {default.name: default.display_name for default in DEFAULT_PROVIDERS}
"""What to call the default providers that LLM Crafter stored: it keeps no display names."""

_MODELS_BY_LIMIT: Mapping[int, tuple[str, ...]] = {
    272_000: ("gpt-5-pro",),
    131_072: ("gpt-oss-120b", "gpt-oss-20b"),
    128_000: (
        "gpt-5.2",
        "gpt-5.2-pro",
        "gpt-5.1",
        "gpt-5.1-codex",
        "gpt-5.1-codex-max",
        "gpt-5.1-codex-mini",
        "gpt-5",
        "gpt-5-mini",
        "gpt-5-nano",
        "gpt-5-codex",
        "claude-opus-4-6",
    ),
    100_000: (
        "o1",
        "o3",
        "o3-pro",
        "o3-mini",
        "o3-deep-research",
        "o4-mini",
        "o4-mini-deep-research",
        "codex-mini-latest",
    ),
    65_536: ("o1-mini", "gemini-2.5-pro", "gemini-2.5-flash"),
    64_000: (
        "claude-haiku-4-5-20251001",
        "claude-sonnet-4-5-20250929",
        "claude-sonnet-4-20250514",
        "claude-3-7-sonnet-20250219",
    ),
    32_768: ("gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "o1-preview"),
    32_000: ("claude-opus-4-1-20250805", "claude-opus-4-20250514"),
    16_384: (
        "gpt-5.2-chat-latest",
        "gpt-5.1-chat-latest",
        "gpt-5-chat-latest",
        "gpt-4.5-preview",
        "gpt-4o",
        "gpt-4o-mini",
        "gpt-4o-search-preview",
        "gpt-4o-mini-search-preview",
        "chatgpt-4o-latest",
    ),
    8_192: (
        "gpt-4",
        "claude-3-5-sonnet-20241022",
        "claude-3-5-haiku-20241022",
        "gemini-2.0-flash",
        "gemini-1.5-pro",
        "gemini-1.5-flash",
        "gemini-1.5-flash-8b",
    ),
    4_096: (
        "gpt-4-turbo",
        "gpt-4-turbo-preview",
        "gpt-3.5-turbo",
        "claude-3-opus-20240229",
        "claude-3-sonnet-20240229",
        "claude-3-haiku-20240307",
    ),
}

MAX_OUTPUT_TOKENS: Mapping[str, int] = {
    model: limit for limit, models in _MODELS_BY_LIMIT.items() for model in models
}
"""How many tokens one answer of a model can have, as its vendor publishes it.

Only what is certain: too low a limit refuses good requests, a missing one leaves the refusal to the vendor.
"""
