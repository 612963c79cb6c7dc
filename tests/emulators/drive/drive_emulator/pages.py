"""What the emulator's pages share: their frame and their looks, light and dark."""

from __future__ import annotations

from html import escape

_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#c9ced6, #454b54);
  --soft: light-dark(#f3f5f8, #22262c); --link: light-dark(#0b57d0, #a8c7fa);
  --bad: light-dark(#a3180f, #ffb4ab); --note: light-dark(#fff4d6, #453708); }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#fff, #15181c);
  color: light-dark(#1b1d21, #e7e9ed); }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
.narrow main { max-width: 30rem; }
.note { background: var(--note); padding: .5rem 1rem; text-align: center; }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 1rem 0; overflow-wrap: anywhere; }
a { color: var(--link); }
fieldset { border: 1px solid var(--line); border-radius: .75rem; padding: .5rem 1rem;
  margin: 1rem 0; }
legend { padding: 0 .4rem; font-weight: 600; }
label.choice { display: flex; gap: .75rem; padding: .6rem 0; align-items: start; cursor: pointer; }
label.choice input { margin: .3rem 0 0; flex: none; width: 1.1rem; height: 1.1rem; }
small { display: block; opacity: .8; }
button, .button { font: inherit; padding: .55rem 1.1rem; min-height: 2.75rem; border-radius: 1.4rem;
  border: 1px solid var(--line); background: transparent; color: inherit; cursor: pointer; }
button.main { background: light-dark(#0b57d0, #a8c7fa); color: light-dark(#fff, #062e6f);
  border-color: transparent; }
button:focus-visible, a:focus-visible, input:focus-visible, textarea:focus-visible,
summary:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; }
.row.end { justify-content: end; }
ul.files { list-style: none; margin: 1rem 0; padding: 0; border-top: 1px solid var(--line); }
ul.files > li { border-bottom: 1px solid var(--line); padding: .6rem .25rem; display: flex;
  flex-wrap: wrap; gap: .25rem 1rem; align-items: center; }
ul.files .name { flex: 1 1 14rem; overflow-wrap: anywhere; white-space: pre-wrap; }
ul.files .facts { opacity: .8; font-size: .9rem; }
details[open] { flex-basis: 100%; }
summary { cursor: pointer; padding: .4rem 0; }
input[type=text], textarea { font: inherit; width: 100%; padding: .5rem .75rem; color: inherit;
  background: var(--soft); border: 1px solid var(--line); border-radius: .5rem; }
textarea { font-family: ui-monospace, monospace; min-height: 60vh; tab-size: 4; }
.bad { color: var(--bad); font-weight: 600; }
form.inline { display: inline; }
"""

NOTE = "This is Carrel's emulator of Google Drive. It is not Google, and nothing here leaves it."


def page(title: str, body: str, narrow: bool = False) -> str:
    """``body`` is HTML already."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body{' class=narrow' if narrow else ''}>"
        f'<header class="note">{escape(NOTE)}</header>'
        f"<main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def hidden(**values: str) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in values.items()
    )


def size(amount: int) -> str:
    """As people read it."""
    number = float(amount)
    for unit in ("bytes", "KB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
