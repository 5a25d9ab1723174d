#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the kernel's YNL library hears from a multicast group.

	ynl_listen.py YNL SPEC GROUP

Says "listening" when it is, and at the end of its input prints the events so
far, one a line. (YNL's command-line client waits for a fixed time.)
"""

import json
import sys

ROOT, SPEC, GROUP = sys.argv[1:4]
sys.path.insert(0, f"{ROOT}/tools/net/ynl")
# pylint: disable=wrong-import-position
from lib import YnlFamily

client = YnlFamily(SPEC, "", process_unknown=True)
client.ntf_subscribe(GROUP)
print("listening", flush=True)
sys.stdin.read()
client.check_ntf()
for event in client.async_msg_queue:
    event["msg"].pop("pad", None)
    print(event["name"], json.dumps(event["msg"]))
