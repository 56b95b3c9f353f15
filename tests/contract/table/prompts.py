"""Sections 5.7 and 5.8: prompts and running them."""

from tests.contract.entries import MODEL, PROJECT, Entry, Refusal, Section, Step
from tests.contract.shapes import (
    ABSENT,
    ID,
    NUMBER,
    OneOf,
)
from tests.contract.table import objects

PROMPTS_PATH = f"{PROJECT}/prompts"
_FORM = {
    "content": "Hi {{name}} & {{{name}}}",
    "system_prompt": "",
    "llm_settings": {
        "model": "",
        "parameters": {
            "temperature": 0.7,
            "max_tokens": 100,
            "top_p": 1,
            "frequency_penalty": 0,
            "presence_penalty": 0,
        },
    },
}
_MAKE_PROMPT = Step(
    "POST", PROMPTS_PATH, {"name": "canary_{random}"}, {"prompt_id": "_id", "prompt_name": "name"}
)
_NO_PROMPT = Refusal(404, "Prompt not found", ids={"prompt_id": "{absent_id}"})

PROMPTS = Section(
    "5.7 Prompts",
    (
        Entry(
            "POST",
            PROMPTS_PATH,
            "member",
            "UI",
            body={"name": "hello"},
            status=201,
            answer={**objects.PROMPT, "llm_settings": ABSENT},
            refusals=(
                Refusal(400, "Prompt name already exists in this project"),
                Refusal(400, at="name", body={"name": "No Way"}),
                Refusal(400, at="name", body={}),
                Refusal(
                    404,
                    "Project not found in this organization",
                    ids={"project_id": "{absent_id}"},
                    body={"name": "other"},
                ),
            ),
        ),
        Entry(
            "GET",
            f"{PROMPTS_PATH}/{{prompt_id}}",
            "viewer",
            "UI",
            answer={**objects.PROMPT, "api_key": ID},
            needs={"api_key": "the web UI's form compares it as text"},
            refusals=(_NO_PROMPT,),
        ),
        Entry(
            "PUT",
            f"{PROMPTS_PATH}/{{prompt_id}}",
            "member",
            "UI",
            before=(_MAKE_PROMPT,),
            body={**_FORM, "api_key": "{api_key_id}"},
            answer={**objects.PROMPT, "api_key?": objects.FULL_KEY},
            refusals=(
                _NO_PROMPT,
                Refusal(404, "API key not found in this project", body={"api_key": "{absent_id}"}),
                Refusal(
                    400,
                    "Invalid model for selected provider",
                    body={"api_key": "{api_key_id}", "llm_settings": {"model": "nope"}},
                ),
                Refusal(
                    400,
                    at="llm_settings.parameters.temperature",
                    body={"llm_settings": {"parameters": {"temperature": 1.5}}},
                ),
            ),
        ),
        Entry(
            "DELETE",
            f"{PROMPTS_PATH}/{{prompt_id}}",
            "admin",
            "UI",
            before=(_MAKE_PROMPT,),
            answer={"message": "Prompt deleted successfully"},
            refusals=(Refusal(404, "Prompt not found"),),
            differs="409 while agents take their instructions from it, unless `?force=true`",
        ),
    ),
)

_RUN_USAGE = {**objects.USAGE, "cached_tokens?": int}
_TRIAL = {
    "content": "Say hello to {{name}}.",
    "llm_settings": MODEL,
    "api_key_id": "{api_key_id}",
    "variables": {"name": "Eve"},
}
_RUN = {"variables": {"name": "Eve"}}
_EXECUTE = f"/proxy{PROJECT}/execute/{{prompt_name}}"
_UNKNOWN = Refusal(404, "Prompt not found", ids={"prompt_name": "nowhere"})

RUNNING_PROMPTS = Section(
    "5.8 Running prompts",
    (
        Entry(
            "POST",
            _EXECUTE,
            "member",
            body=_RUN,
            answer={"execution_id": ID, "result": str, "usage": _RUN_USAGE, "cached": bool},
            refusals=(
                _UNKNOWN,
                Refusal(400, "Prompt content not configured", before=(_MAKE_PROMPT,)),
                Refusal(
                    400,
                    "No API key configured for this prompt",
                    before=(
                        _MAKE_PROMPT,
                        Step("PUT", f"{PROMPTS_PATH}/{{prompt_id}}", {"content": "Hello"}),
                    ),
                ),
            ),
            differs="members only; provider failures are 502 or 504",
        ),
        Entry(
            "POST",
            "/proxy/test-prompt",
            "signed in",
            "UI",
            body=_TRIAL,
            answer={"result": str, "usage": objects.USAGE, "finish_reason": "stop", "cached": False},
            needs={"usage.cost": "the web UI shows it"},
            refusals=(
                Refusal(404, "API key not found", body={**_TRIAL, "api_key_id": "{absent_id}"}),
                Refusal(400, "Prompt content is required", body={**_TRIAL, "content": ""}),
                Refusal(400, "API key ID is required", body={**_TRIAL, "api_key_id": ""}),
                Refusal(400, "LLM settings with model required", body={**_TRIAL, "llm_settings": {}}),
            ),
            differs="members of the key's organization only; provider failures are 502 or 504",
        ),
        Entry(
            "GET",
            f"/proxy{PROJECT}/prompts/{{prompt_id}}/executions",
            "viewer",
            "UI",
            before=(Step("POST", _EXECUTE, {"variables": {"name": "{random}"}}),),
            query={"page": "1", "limit": "10"},
            answer={
                "total": int,
                "page": 1,
                "limit": 10,
                "executions": [
                    {
                        "_id": ID,
                        "prompt": ID,
                        "project": ID,
                        "api_key": ID,
                        "usage": {
                            "prompt_tokens": int,
                            "completion_tokens": int,
                            "total_tokens": int,
                            "cost": NUMBER,
                        },
                        "metadata": {"model": str, "finish_reason": str},
                        "status": OneOf(("success", "error", "cached")),
                        **objects.STAMPS,
                    }
                ],
            },
            needs={
                "executions[0].usage": "the web UI reads `usage.cost` without looking",
                "executions[0].metadata": "the web UI reads `metadata.model` without looking",
            },
            differs="viewers only",
        ),
        Entry(
            "POST",
            f"/external{PROJECT}/prompts/{{prompt_name}}/execute",
            "key:prompts:execute",
            "SDK",
            body=_RUN,
            answer={
                "success": True,
                "data": {
                    "result": str,
                    "usage": _RUN_USAGE,
                    "cached": bool,
                    "execution_id": ID,
                    "prompt_name": str,
                    "model": "gpt-4o-mini",
                },
            },
            refusals=(
                Refusal(404, "Prompt not found", "PROMPT_NOT_FOUND", ids={"prompt_name": "nowhere"}),
                Refusal(
                    400, "Prompt content not configured", "PROMPT_NOT_CONFIGURED", before=(_MAKE_PROMPT,)
                ),
                Refusal(
                    400,
                    "No API key configured for this prompt",
                    "PROMPT_API_KEY_NOT_CONFIGURED",
                    before=(
                        _MAKE_PROMPT,
                        Step("PUT", f"{PROMPTS_PATH}/{{prompt_id}}", {"content": "Hello"}),
                    ),
                ),
                Refusal(400, at="variables", body={"variables": []}),
            ),
            differs="provider failures are 502 or 504",
        ),
    ),
)
