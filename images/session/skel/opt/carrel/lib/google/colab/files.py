"""Files from and to one's own computer, through the session's server."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote

from google.colab import session

LOOK_S = 0.3
DONE = "done"
_FORM = Template(
    """<div id="$id"><label>Choose files to upload: <input type="file" multiple></label>
<button type="button">Cancel</button> <span role="status" aria-live="polite"></span></div>
<script>
(() => {
  const box = document.getElementById("$id");
  const input = box.querySelector("input");
  const status = box.querySelector("span");
  const cancel = box.querySelector("button");
  const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent || "{}");
  const folder = (config.baseUrl || "/") + "api/contents/" + $folder;
  const token = document.cookie.split("; ").find((one) => one.startsWith("_xsrf="));
  const headers = { "Content-Type": "application/json" };
  if (token) headers["X-XSRFToken"] = token.slice(6);
  if (config.token) headers.Authorization = "token " + config.token;
  const SIZE = 3 * 1024 * 1024;
  const put = async (name, body) => {
    const answer = await fetch(folder + "/" + encodeURIComponent(name), {
      method: "PUT", headers, credentials: "same-origin", body: JSON.stringify(body),
    });
    if (!answer.ok) {
      const said = await answer.json().catch(() => ({}));
      throw new Error(said.message || answer.status);
    }
  };
  const read = (part) => new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(part);
  });
  const send = async (file, number) => {
    const common = { type: "file", format: "base64", name: file.name };
    const count = Math.max(1, Math.ceil(file.size / SIZE));
    for (let chunk = 1; chunk <= count; chunk += 1) {
      const part = file.slice((chunk - 1) * SIZE, chunk * SIZE);
      const content = part.size ? await read(part) : "";
      const which = count === 1 ? {} : { chunk: chunk === count ? -1 : chunk };
      await put("file" + number, { ...common, ...which, content });
      status.textContent = file.name + ": " + Math.round((100 * chunk) / count) + " %";
    }
  };
  const finish = async (names) => {
    await put("$done", { type: "file", format: "text", content: JSON.stringify(names) });
    box.remove();
  };
  input.addEventListener("change", async () => {
    input.disabled = true;
    const names = [];
    try {
      for (const file of input.files) {
        await send(file, names.length);
        names.push(file.name);
      }
      await finish(names);
    } catch (error) {
      status.textContent = "That did not work: " + error.message;
      input.disabled = false;
    }
  });
  cancel.addEventListener("click", () => finish([]));
})();
</script>"""
)


def upload(target_dir: str = "") -> dict[str, bytes]:
    """Waits until somebody chose files and returns name → content; they also lie in the folder.

    As Colab's. The kernel is busy meanwhile, so the page brings the files by the server's own way
    (no widget could answer) and this looks for them. Where nobody looks on, it says so and goes on.
    """
    folder = Path(target_dir or ".").resolve()
    inside = session.below_home(folder)
    if not session.is_watched() or inside is None:
        print("No files were uploaded: " + (
            "nobody sits before this notebook." if inside is not None
            else f"choose a folder below {session.home()}."
        ))  # fmt: skip
        return {}
    incoming = Path(tempfile.mkdtemp(prefix="upload-", dir=folder))
    try:
        inside = session.below_home(incoming)
        assert inside is not None
        form = _FORM.substitute(id=incoming.name, done=DONE, folder=json.dumps(quote(inside)))
        session.show_html(form, "Choose files to upload on the notebook's page.")
        while not (incoming / DONE).exists():
            time.sleep(LOOK_S)
        names = _names(incoming / DONE)
        return dict(_take(incoming / f"file{n}", folder, name) for n, name in enumerate(names))
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _names(done: Path) -> list[str]:
    while True:
        try:
            return [str(name) for name in json.loads(done.read_text(encoding="utf-8"))]
        except ValueError:
            time.sleep(LOOK_S)  # it is being written


def _take(came: Path, folder: Path, name: str) -> tuple[str, bytes]:
    """Moves a file to a name that is free, as Colab names it: ``data (1).csv``."""
    name = Path(name.replace("\\", "/")).name or "upload"
    target, number = folder / name, 0
    while target.exists() or target.is_symlink():
        number += 1
        target = folder / f"{Path(name).stem} ({number}){Path(name).suffix}"
    came.rename(target)
    print(f"Saving {name} to {target.name}")
    return target.name, target.read_bytes()


def upload_file(filename: str) -> None:
    """Waits for one file and saves it under this name."""
    found = list(upload(str(Path(filename).parent)))
    if found:
        (Path(filename).parent / found[0]).replace(filename)


def download(filename: str) -> None:
    """Shows a link that saves the file on one's own computer.

    Colab starts the download by itself; a saved notebook would do so at each opening.
    """
    _link(filename, "files", "Download", "?download=1")


def view(filepath: str) -> None:
    """Shows a link that opens the file in JupyterLab."""
    _link(filepath, "lab/tree", "Open", "")


def _link(filename: str, route: str, word: str, query: str) -> None:
    path = Path(filename)
    if not path.exists():
        raise FileNotFoundError(f"Cannot find file: {filename}")
    inside = session.below_home(path)
    if inside is None or any(part.startswith(".") for part in Path(inside).parts):
        print(f"{filename} is not among your files: copy it into {session.home()} first.")
        return
    url = session.address(route, inside) + query
    html = f'<a href="{escape(url)}" target="_blank" rel="noopener">{word} {escape(path.name)}</a>'
    session.show_html(html, f"{word}: {url}")
