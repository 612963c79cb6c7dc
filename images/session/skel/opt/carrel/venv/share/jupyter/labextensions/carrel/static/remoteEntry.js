/* The file browser's button "Publish…", for those who teach a course.
 *
 * An extension of JupyterLab as its loader takes it (a container of module federation with `init` and
 * `get`), written by hand: there is nothing to build. What it uses of JupyterLab comes from the share
 * scope that `init` is handed. If anything of it is missing, there is no button; the page
 * carrel/publish and the command `carrel publish` do the same.
 */
"use strict";
(() => {
  let scope = {};

  async function shared(name) {
    const [found] = Object.values(scope[name] || {});
    if (!found) throw new Error(`JupyterLab does not share ${name}`);
    return (await found.get())();
  }

  /* Whether there is a course to publish to; the server asks the hub. */
  async function teaches({ ServerConnection }, settings) {
    const url = `${settings.baseUrl}carrel/publish`;
    const headers = { Accept: "application/json" };
    const answer = await ServerConnection.makeRequest(url, { headers }, settings);
    return answer.ok && (await answer.json()).courses.length > 0;
  }

  function add(app, browser, { ToolbarButton }) {
    const base = app.serviceManager.serverSettings.baseUrl;
    const open = (path) => {
      const local = path.replace(/^[^/:]*:/, "");
      window.open(`${base}carrel/publish?path=${encodeURIComponent(local)}`, "_blank", "noopener");
    };
    const selected = () => [...browser.selectedItems()].find((item) => item.type === "directory");
    const command = "carrel:publish";
    app.commands.addCommand(command, {
      label: "Publish to a course…",
      execute: () => open((selected() || browser.model).path),
    });
    app.contextMenu.addItem({
      command, selector: '.jp-DirListing-item[data-isdir="true"]', rank: 50,
    });
    const button = new ToolbarButton({
      label: "Publish…",
      tooltip: "Publish this folder, or the selected one, to a course",
      onClick: () => app.commands.execute(command),
    });
    browser.toolbar.addItem("carrel-publish", button);
  }

  async function extension() {
    const [browsers, components, services] = await Promise.all(
      ["@jupyterlab/filebrowser", "@jupyterlab/ui-components", "@jupyterlab/services"].map(shared),
    );
    return {
      id: "carrel:publish",
      description: "Publishes a folder to a course.",
      autoStart: true,
      optional: [browsers.IDefaultFileBrowser],
      activate: (app, browser) => {
        if (!browser) return;
        teaches(services, app.serviceManager.serverSettings)
          .then((yes) => yes && add(app, browser, components))
          .catch((error) => console.warn("carrel: no button to publish:", error));
      },
    };
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB.carrel = {
    init: (found) => { scope = found; },
    get: async () => {
      const plugin = await extension();
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
