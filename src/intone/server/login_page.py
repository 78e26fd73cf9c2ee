"""The page that asks for a key: one field, one button, no script, nothing from elsewhere."""

from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse

PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",  # with "no-referrer" the form's own Origin would be "null"
    "X-Content-Type-Options": "nosniff",
}

_STYLE = """
:root { color-scheme: light dark;
  --page: light-dark(#f1f5f9, #0b1120); --card: light-dark(#ffffff, #172033);
  --line: light-dark(#cbd5e1, #475569); --text: light-dark(#0f172a, #f1f5f9);
  --quiet: light-dark(#475569, #b3c0d1); --main: light-dark(#0f766e, #2dd4bf);
  --on-main: light-dark(#ffffff, #06201d); --wrong: light-dark(#b91c1c, #fca5a5); }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 16px;
  background: var(--page); color: var(--text); line-height: 1.5;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { width: 100%; max-width: 26rem; padding: 2rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 14px; }
h1 { margin: 0 0 .25rem; font-size: 1.5rem; }
p { margin: 0; color: var(--quiet); }
label { display: block; margin: 1.5rem 0 .4rem; font-weight: 600; }
input, button { width: 100%; padding: .75rem .9rem; font: inherit; border-radius: 9px; }
input { border: 1px solid var(--line); background: var(--page); color: var(--text); }
input[aria-invalid] { border-color: var(--wrong); }
button { margin-top: 1.25rem; border: 0; font-weight: 600; cursor: pointer;
  background: var(--main); color: var(--on-main); }
input:focus-visible, button:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
p.wrong { margin-top: .5rem; color: var(--wrong); }
p.help { margin-top: 1.25rem; font-size: .9rem; }
code { font-family: ui-monospace, Menlo, Consolas, monospace; }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Intone studio: log in</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>Intone studio</h1>
<p>This studio belongs to somebody. Show your key to come in.</p>
<form method="post" action="{action}">
<label for="key">API key</label>
<input id="key" name="key" type="password" autocomplete="current-password" autocapitalize="none"
 spellcheck="false" placeholder="intone_..." required autofocus{invalid}>
{problem}
<button type="submit">Open the studio</button>
</form>
<p class="help">No key? Whoever runs this server makes one with <code>intone keys add NAME</code>.
You stay logged in until you have been away for 12 hours.</p>
</main>
</body>
</html>
"""


def login_page(
    action: str, problem: str | None = None, *, status: int = 200, retry_after_s: int | None = None
) -> HTMLResponse:
    """Returns the page.

    Args:
        action: the path that the key is sent to.
        problem: what was wrong, beside the field.
    """
    shown = "" if problem is None else _problem(problem)
    invalid = "" if problem is None else ' aria-invalid="true" aria-describedby="problem"'
    body = _PAGE.format(style=_STYLE, action=escape(action), problem=shown, invalid=invalid)
    headers = dict(PAGE_HEADERS)
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    return HTMLResponse(body, status_code=status, headers=headers)


def _problem(message: str) -> str:
    return f'<p class="wrong" id="problem" role="alert">{escape(message)}</p>'
