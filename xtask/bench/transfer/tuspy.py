"""tuspy (PyPI) as its documentation says: python3 tuspy.py ENDPOINT KEY GALLERY AT_ONCE FILE...

Prints one line of JSON with the seconds from the first byte to the last acknowledgement.
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tusclient import client

endpoint, key, gallery, at_once, *files = sys.argv[1:]
tus = client.TusClient(endpoint, headers={"Authorization": f"Bearer {key}"})


def upload(file):
    uploader = tus.uploader(file, metadata={"gallery": gallery, "filename": os.path.basename(file)}, retries=6)
    uploader.upload()
    assert uploader.request.response_headers.get("procession-photo"), f"{file} is not durable"


start = time.monotonic()
with ThreadPoolExecutor(int(at_once)) as pool:
    list(pool.map(upload, files))
print(json.dumps({"seconds": time.monotonic() - start}, separators=(",", ":")))
