"""Other web sites in the browser that shows the emulator's page: they change and read nothing."""

from __future__ import annotations

import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

HOSTILE = "evil.example"


@pytest.fixture
def hostile_site():
    """A web site whose page tries to change the emulator at ``?url=``."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self):
            body = b"<!doctype html><title>nice</title><iframe name=inner></iframe><p>nothing to see"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


ATTACKS = """async (url) => {
  const told = [(answer) => answer.status, () => "failed"];
  const posted = { method: "POST", body: '{"name": "Mallory"}' };
  const send = (path, more) => fetch(`${url}/_emulator/${path}`, { ...posted, ...more }).then(...told);
  const blind = { mode: "no-cors" };
  const done = [await send("state/add_user"), await send("state/add_user", blind), await send("reset", blind)];
  const form = document.createElement("form");
  Object.assign(form, { method: "POST", action: url + "/_emulator/users?name=Mallory", target: "inner" });
  document.body.append(form);
  form.submit();
  await new Promise((done) => { document.querySelector("iframe").onload = done; });
  const picture = new Image();
  return new Promise((tell) => {
    picture.onload = () => tell([...done, "seen"]);
    picture.onerror = () => tell([...done, "failed"]);
    picture.src = `${url}/_emulator/page/icon.svg`;
  });
}"""


def test_another_site_in_the_browser_changes_nothing(chromium, emulator, hostile_site):
    page = chromium.new_page()
    emulator.state.create_base("Precious")
    people = emulator.state.directory.version
    for site in (hostile_site, hostile_site.replace("127.0.0.1", "localhost")):
        page.goto(site)
        assert page.evaluate(ATTACKS, emulator.url) == ["failed", 0, 0, "failed"]
    assert emulator.state.directory.version == people
    assert [each.name for each in emulator.state.bases.values()] == ["Precious"]
    page.set_content(f"<a href='{emulator.url}/_emulator/#/calls'>the emulator</a>")
    page.get_by_role("link").click()
    page.get_by_role("heading", name="Calls").wait_for()
    page.close()


def test_name_that_another_site_lets_mean_this_machine_reads_nothing(chromium, emulator):
    # as after DNS rebinding: the browser takes the emulator for that site itself
    rules = f"--host-resolver-rules=MAP {HOSTILE} 127.0.0.1"
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    browser = chromium.browser_type.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu", rules])
    try:
        page = browser.new_page()
        port = emulator.url.rpartition(":")[2]
        answer = page.goto(f"http://{HOSTILE}:{port}/_emulator/")
        assert answer.status == 403
        told = page.evaluate("fetch('/_emulator/reset', {method: 'POST'}).then((answer) => answer.status)")
        assert told == 403
    finally:
        browser.close()
