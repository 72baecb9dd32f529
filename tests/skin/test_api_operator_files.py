"""LarkApiOperator and LarkHook.call with files, to the emulator over HTTP."""

from __future__ import annotations

import json

import pytest
from airflow.sdk import DAG, ObjectStoragePath
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_lark.hooks.lark import LarkHook
from airflow_provider_lark.operators.api import LarkApiOperator

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\2\0\0\0\2" + bytes(range(256))
IMAGES = "/open-apis/im/v1/images"
FILES = "/open-apis/im/v1/files"
FORM = {"image_type": "message"}


@pytest.fixture
def chart(tmp_path):
    (tmp_path / "chart.png").write_bytes(PNG)
    return tmp_path / "chart.png"


def post(**given):
    return LarkApiOperator(
        **{"task_id": "t", "method": "POST", "path": IMAGES, "form": FORM, "result_path": "data.image_key"} | given
    )


def stored(key):
    with LarkHook().client() as client:
        return client.resources.download_image(image_key=key)


def test_file_of_a_path_from_a_template_arrives_as_it_is(shop, chart):
    with DAG("templated", schedule=None):
        operator = post(files={"image": "{{ folder }}/chart.png"}, form="{{ form | tojson }}")
    operator.render_template_fields({"folder": str(chart.parent), "form": FORM})
    assert stored(operator.execute({})) == PNG


@pytest.mark.parametrize("kind", ["JSON", "file URL", "dictionary", "bytes", "ObjectStoragePath"])
def test_file_may_be_named_in_many_ways(shop, chart, kind):
    files = {
        "JSON": json.dumps({"image": str(chart)}),
        "file URL": {"image": f"file://{chart}"},
        "dictionary": {"image": {"path": str(chart), "name": "x.png", "content_type": "image/png"}},
        "bytes": {"image": {"content": PNG}},
        "ObjectStoragePath": {"image": ObjectStoragePath(str(chart))},
    }[kind]
    assert stored(post(files=files).execute({})) == PNG


def test_file_of_words_has_the_name_that_it_was_given(shop):
    answer = post(
        path=FILES,
        form={"file_type": "stream", "file_name": "报表.csv"},
        files={"file": {"content": "id\n1\n", "name": "报表.csv", "content_type": "text/csv"}},
        result_path=None,
    ).execute({})
    with LarkHook().client() as client:
        assert client.resources.download_file(file_key=answer["file_key"]) == b"id\n1\n"


def test_hook_sends_open_files_and_leaves_them_open(shop, chart):
    with chart.open("rb") as file:
        answer = LarkHook().call("POST", IMAGES, form=FORM, files={"image": file})
        assert not file.closed
    assert stored(answer["data"]["image_key"]) == PNG
    assert stored(LarkHook().call("POST", IMAGES, form=FORM, files={"image": PNG})["data"]["image_key"]) == PNG


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"files": "{"}, "files: text is not valid JSON"),
        ({"files": ["a"]}, "files: expected a dictionary"),
        ({"files": {"image": 7}}, "files['image']: found int; expected a path, bytes, an open file"),
        ({"files": {"image": ""}}, "files['image']: found str; expected"),
        ({"files": {"image": "/no/such/chart.png"}}, "files['image']: file 'chart.png' does not exist"),
        ({"files": {"image": "/"}}, "files['image']: file '' does not exist"),
        ({"files": {"image": {"name": "x"}}}, "files['image']: give either path or content"),
        ({"files": {"image": {"path": "/a", "content": "b"}}}, "files['image']: give either path or content"),
        ({"files": {"image": {"file": "/a"}}}, "files['image']: unknown key 'file'; expected path, content"),
        ({"files": {"image": {"content": b"x"}}, "json": {}}, "give either json, or form and files"),
        ({"files": {"image": {"content": b"x"}}, "paginate": True}, "cannot be combined with form or files"),
        ({"form": {"image_type": "message"}}, "form is only sent together with files"),
        ({"files": {"image": {"content": bytes(10485761)}}}, "more than the 10,485,760 allowed"),
    ],
)
def test_file_that_cannot_be_sent_fails_the_task_at_once_and_says_which(shop, given, words):
    with pytest.raises(AirflowFailException) as caught:
        post(**given).execute({})
    assert words in str(caught.value)
    assert [each for each in shop.emulator.log if each.path == IMAGES] == []


def test_what_lark_says_of_a_file_is_told(shop):
    with pytest.raises(AirflowFailException, match="code 234011"):
        post(files={"image": {"content": b"no image"}}).execute({})
