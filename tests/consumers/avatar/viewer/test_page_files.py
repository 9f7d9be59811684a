"""The page's files, and what its browser may do with them."""

from pathlib import Path

import httpx

from consumers.avatar.viewer.app import ViewerOptions
from tests.consumers.avatar.viewer.serving import MODEL, serving


def test_a_page_that_was_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    with serving(options=ViewerOptions(page_directory=tmp_path / "page")) as served:
        answer = httpx.get(f"{served.url}/avatar/")
        assert (answer.status_code, answer.json()["error_code"]) == (404, 404)
        assert "npm run build" in answer.json()["message"]
        assert httpx.get(f"{served.url}/avatar/main.js").status_code == 404
        assert httpx.get(f"{served.url}/connectors").json() == ["avatar"]


def test_the_pages_files_are_served_and_asked_for_again(tmp_path: Path) -> None:
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<!doctype html><title>Avatars</title>")
    (page / "main.js").write_text("export {};")
    (tmp_path / "secret").write_text("not of the page")
    with serving(options=ViewerOptions(page_directory=page)) as served, httpx.Client(base_url=served.url) as client:
        assert client.get("/avatar").headers["location"] == "/avatar/", "files are asked for beside the page"
        index = client.get("/avatar/")
        assert "Avatars" in index.text
        assert index.headers["content-type"].startswith("text/html")
        policy = index.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "connect-src 'self' blob: data:" in policy
        assert "unsafe" not in policy
        script = client.get("/avatar/main.js")
        assert "javascript" in script.headers["content-type"]
        again = client.get("/avatar/main.js", headers={"if-none-match": script.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        for path in (
            "/avatar/../secret",
            "/avatar/%2e%2e/secret",
            "/avatar/..%2fsecret",
            "/avatar/main.js/",
            "/avatar//",
        ):
            assert "not of the page" not in client.get(path).text
        for path in ("other.js", "%00", "a" * 300, "a/" * 3000):
            assert client.get(f"/avatar/{path}").json()["error_code"] == 404
        assert client.post("/avatar/").status_code == 405


def test_the_built_in_avatar_is_a_file_like_others() -> None:
    with serving() as served:
        answer = httpx.get(f"{served.url}/avatar/builtin.vrm")
        assert (answer.content, answer.headers["content-type"]) == (MODEL, "model/gltf-binary")
        again = httpx.get(f"{served.url}/avatar/builtin.vrm", headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
