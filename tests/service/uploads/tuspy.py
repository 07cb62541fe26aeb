"""tuspy (PyPI), as its documentation says. Run by clients.rs: python3 tuspy.py ENDPOINT KEY GALLERY FILE FOLDER WAY"""

import json
import os
import sys

from tusclient import client
from tusclient.storage import filestorage

endpoint, key, gallery, file, folder, way = sys.argv[1:]
tus = client.TusClient(endpoint, headers={"Authorization": f"Bearer {key}"})
metadata = {"gallery": gallery, "filename": os.path.basename(file)}
common = {"metadata": metadata, "chunk_size": 50_000, "retries": 60, "retry_delay": 1}


def whole():
    uploader = tus.uploader(file, **common)
    uploader.upload()
    return uploader


def checksums():
    uploader = tus.uploader(file, upload_checksum=True, **common)
    uploader.upload()
    return uploader


def resumed():
    """Two uploaders, one after the other, with what the first remembered."""
    storage = filestorage.FileStorage(os.path.join(folder, "tuspy-urls.json"))
    first = tus.uploader(file, store_url=True, url_storage=storage, **common)
    first.upload(stop_at=100_000)
    second = tus.uploader(file, store_url=True, url_storage=storage, **common)
    assert second.url == first.url, "the upload began again"
    assert second.offset == 100_000, second.offset
    second.upload()
    return second


uploader = {"whole": whole, "checksums": checksums, "resumed": resumed}[way]()
photo = uploader.request.response_headers.get("procession-photo")
print(json.dumps({"url": uploader.url, "offset": uploader.offset, "photo": photo}))
