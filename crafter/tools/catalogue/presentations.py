"""Tools that build a slide deck, one call at a time."""

from typing import Any

from crafter.tools.catalogue.definition import SystemTool

_SESSION: dict[str, Any] = {
    "type": "string",
    "minLength": 1,
    "description": "The session_id that create_presentation answered.",
}


def _color(what: str) -> dict[str, Any]:
    return {
        "type": "string",
        "pattern": "^[0-9A-Fa-f]{6}$",
        "description": f"{what}: six hex digits, without #.",
    }


_BULLETS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}

_DESIGN: dict[str, Any] = {
    "type": "object",
    "description": "How the slide looks. Keep colors and fonts the same on all slides of a deck.",
    "properties": {
        "background_color": _color("The background"),
        "title_color": _color("The title, in strong contrast to the background"),
        "text_color": _color("The text, readable on the background"),
        "accent_color": _color("Lines and highlights"),
        "title_font": {"type": "string", "description": "The font of titles, such as Georgia."},
        "body_font": {"type": "string", "description": "The font of text, such as Calibri."},
        "title_font_size": {"type": "number", "description": "In points; 36 to 44 reads well."},
        "text_font_size": {"type": "number", "description": "In points; 14 to 18 reads well."},
        "align": {
            "type": "string",
            "enum": ["left", "center", "right"],
            "description": "left for text; center only for title_slide.",
        },
        "gradient_from": _color("The beginning of a gradient that replaces the background, with gradient_to"),
        "gradient_to": _color("The end of the gradient"),
        "gradient_angle": {"type": "number", "description": "In degrees; 135 runs diagonally."},
        "background_image": {
            "type": "string",
            "description": "The address of an image that fills the slide.",
        },
    },
    "additionalProperties": False,
}

CREATE_PRESENTATION = SystemTool(
    name="create_presentation",
    display_name="Create Presentation",
    description=(
        "Begin a PowerPoint presentation and get the session_id that the other presentation tools need. Call "
        "it once, then set_presentation_logo if there is a logo, then add_slide for each slide, and "
        "save_presentation last."
    ),
    category="utility",
    handler="createPresentationHandler",
    parameters={
        "title": {"type": "string", "minLength": 1, "description": "The title of the presentation."},
        "author": {"type": "string", "description": "Who is named as author in the file."},
        "theme_color": _color("The main color"),
        "layout": {
            "type": "string",
            "enum": ["LAYOUT_16x9", "LAYOUT_4x3"],
            "default": "LAYOUT_16x9",
            "description": "The shape of the slides.",
        },
    },
    required=("title",),
    returns={"session_id": {"type": "string"}, "message": {"type": "string"}},
)

ADD_SLIDE = SystemTool(
    name="add_slide",
    display_name="Add Slide",
    description=(
        "Add one slide to the end of a presentation. Choose the layout that fits its content, vary layouts "
        "from slide to slide, and keep to six short bullets at most: split what does not fit. Give every "
        "slide a design with explicit colors of strong contrast."
    ),
    category="utility",
    handler="addSlideHandler",
    parameters={
        "session_id": _SESSION,
        "title": {
            "type": "string",
            "minLength": 1,
            "description": "The title; for quote the words quoted, for big_fact the figure.",
        },
        "layout_type": {
            "type": "string",
            "enum": ["content", "title_slide", "section_header", "quote", "big_fact", "two_column"],
            "default": "content",
            "description": (
                "content: title and bullets. title_slide: opening or closing. section_header: begins a "
                "chapter. quote: words and who said them. big_fact: one large figure. two_column: a "
                "comparison."
            ),
        },
        "subtitle": {
            "type": "string",
            "description": "The second line; for quote who said it, for big_fact what the figure means.",
        },
        "bullets": {**_BULLETS, "description": "For content: the points, fewer than ten words each."},
        "left_bullets": {**_BULLETS, "description": "For two_column: the points on the left."},
        "right_bullets": {**_BULLETS, "description": "For two_column: the points on the right."},
        "notes": {
            "type": "string",
            "description": "What the speaker says, as natural speech; it is also what generate_audio reads.",
        },
        "design": _DESIGN,
        "generate_audio": {
            "type": "boolean",
            "default": False,
            "description": "Whether to have the notes read aloud on the slide.",
        },
    },
    required=("session_id", "title"),
    returns={
        "slide_index": {"type": "integer"},
        "slide_count": {"type": "integer"},
        "audio_cost": {"type": "number", "description": "In US dollars."},
        "message": {"type": "string"},
    },
)

GENERATE_SLIDE_AUDIO = SystemTool(
    name="generate_slide_audio",
    display_name="Generate Slide Audio",
    description=(
        "Have a text read aloud and put the recording on a slide, where it plays by itself. Use it for a "
        "slide that was added without audio, or to replace its recording."
    ),
    category="utility",
    handler="generateSlideAudioHandler",
    parameters={
        "session_id": _SESSION,
        "slide_index": {
            "type": "integer",
            "minimum": 0,
            "description": "Which slide, counted from 0.",
        },
        "text": {
            "type": "string",
            "minLength": 1,
            "description": "The words to speak: complete sentences, no lists.",
        },
        "provider": {
            "type": "string",
            "enum": ["openai", "elevenlabs"],
            "default": "openai",
            "description": "Who speaks. Leave it out to use the voice that is configured for the agent.",
        },
        "voice_id": {"type": "string", "description": "A voice of the provider, such as alloy or nova."},
        "model": {"type": "string", "description": "A speech model of the provider, such as tts-1."},
    },
    required=("session_id", "slide_index", "text"),
    returns={
        "attached": {"type": "boolean"},
        "characters_used": {"type": "integer"},
        "cost": {"type": "number", "description": "In US dollars."},
        "provider": {"type": "string"},
        "model": {"type": "string"},
        "message": {"type": "string"},
    },
)

SAVE_PRESENTATION = SystemTool(
    name="save_presentation",
    display_name="Save Presentation",
    description=(
        "Write a presentation to a .pptx file and end its session. Call it once, after the last slide: "
        "nothing can be added afterwards."
    ),
    category="utility",
    handler="savePresentationHandler",
    parameters={
        "session_id": _SESSION,
        "filename": {
            "type": "string",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$",
            "description": 'The name of the file without its ending, such as "quarterly_results".',
        },
    },
    required=("session_id", "filename"),
    returns={
        "file_path": {"type": "string"},
        "slides_count": {"type": "integer"},
        "total_audio_cost": {"type": "number", "description": "In US dollars."},
        "message": {"type": "string"},
    },
)

SET_PRESENTATION_LOGO = SystemTool(
    name="set_presentation_logo",
    display_name="Set Presentation Logo",
    description=(
        "Put a logo on every slide that is added from now on. Call it right after create_presentation, when "
        "the user gave a logo."
    ),
    category="utility",
    handler="setPresentationLogoHandler",
    parameters={
        "session_id": _SESSION,
        "logo_url": {
            "type": "string",
            "minLength": 1,
            "description": "The address of the image, beginning with http:// or https://; PNG or JPEG.",
        },
        "position": {
            "type": "string",
            "enum": ["bottom-right", "bottom-left", "top-right", "top-left"],
            "default": "bottom-right",
            "description": "The corner of the slide.",
        },
        "width": {"type": "number", "exclusiveMinimum": 0, "default": 1.2, "description": "In inches."},
        "height": {"type": "number", "exclusiveMinimum": 0, "default": 0.5, "description": "In inches."},
        "opacity": {
            "type": "number",
            "minimum": 0,
            "maximum": 100,
            "default": 0,
            "description": "How transparent it is: 0 is solid, 100 invisible.",
        },
    },
    required=("session_id", "logo_url"),
    returns={"message": {"type": "string"}},
)

PRESENTATION_TOOLS = (
    CREATE_PRESENTATION,
    ADD_SLIDE,
    GENERATE_SLIDE_AUDIO,
    SAVE_PRESENTATION,
    SET_PRESENTATION_LOGO,
)
