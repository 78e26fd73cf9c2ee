"""How the page looks: one theme of the system's own fonts, our style sheet, our script.

Nothing is fetched from elsewhere: no fonts, no scripts, no figures about the user.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

_STATIC = Path(__file__).with_name("static")
_OUTSIDE = "page.css"
_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    """Returns the theme."""
    return gr.themes.Soft(
        primary_hue="teal",
        secondary_hue="teal",
        neutral_hue="slate",
        font=list(_FONTS),
        font_mono=list(_MONO),
        radius_size="md",
    ).set(
        block_title_background_fill="none",
        block_title_background_fill_dark="none",
        block_title_padding="0",
        block_title_text_color="*body_text_color",
        block_title_text_color_dark="*body_text_color",
        block_title_text_weight="600",
        block_label_background_fill="none",
        block_label_background_fill_dark="none",
        block_label_text_color="*body_text_color",
        block_label_text_color_dark="*body_text_color",
        # White on these, and these on white, can be read by everybody (4.5 to 1, WCAG AA).
        color_accent="#0d857b",  # one for both: 4.5 to 1 on white, 4.2 on the dark page
        body_text_color_subdued="*neutral_500",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_hover_dark="*primary_800",
        button_primary_border_color="*primary_700",
        button_primary_border_color_dark="*primary_700",
        checkbox_label_background_fill_selected="*primary_700",
        checkbox_label_background_fill_selected_dark="*primary_700",
        block_shadow="none",
        block_border_width="1px",
        input_border_width="1px",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_600",
        checkbox_border_color="*neutral_400",
        checkbox_border_color_dark="*neutral_500",
        checkbox_label_shadow="none",
        checkbox_label_border_width="1px",
        input_shadow="none",
        input_shadow_focus="none",
        button_primary_shadow="none",
        button_secondary_shadow="none",
        button_secondary_shadow_hover="none",
    )


def style_sheet() -> str:
    """Returns the CSS of the page, that of single tabs included."""
    sheets = (path for path in sorted(_STATIC.glob("*.css")) if path.name != _OUTSIDE)
    return "\n".join(path.read_text("utf-8") for path in sheets)


def head() -> str:
    """Returns what goes into the page's head: its scripts, `studio.js` first, and the style of what
    lies outside Gradio's container."""
    style = f"<style>\n{(_STATIC / _OUTSIDE).read_text('utf-8')}\n</style>\n"
    scripts = sorted(_STATIC.glob("*.js"), key=lambda path: (path.name != "studio.js", path.name))
    return style + "\n".join(f"<script>\n{path.read_text('utf-8')}\n</script>" for path in scripts)
