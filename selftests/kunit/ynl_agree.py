#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Do the netlink spec, the uapi header and the running kernel say the same?

	ynl_agree.py YNL SPEC HEADER CHECK

YNL is the root of a kernel source with tools/net/ynl, CHECK one of the
functions below that are named check_*. Prints the differences; fails if there
are any. The checks that ask the kernel need a service by address with a server,
and one by mark: these are asked for what the spec says of replies.
"""

import os
import re
import subprocess
import sys
import tempfile

ROOT, SPEC, HEADER, CHECK = sys.argv[1:5]
sys.path.insert(0, f"{ROOT}/tools/net/ynl")
# pylint: disable=wrong-import-position
import yaml
from lib import YnlFamily, NlError
from lib.nlspec import SpecFamily

DOCS = f"{ROOT}/Documentation/netlink"
SCHEMA = f"{DOCS}/genetlink-legacy.yaml"


def spec():
    return SpecFamily(SPEC, SCHEMA)


def family():
    """The client. Padding is an unknown type to that of Linux 6.12."""
    return YnlFamily(SPEC, SCHEMA, process_unknown=True)


def constant(fam, value):
    return fam.consts[value]["value"] if isinstance(value, str) else value


def differences(what, want, got):
    """Compare two dictionaries; the number of keys that differ."""
    count = 0
    for key in sorted(want.keys() | got.keys(), key=str):
        if want.get(key) != got.get(key):
            print(f"{what} {key}: {want.get(key)} against {got.get(key)}")
            count += 1
    return count


# The header

def header_constants(text):
    """Enumerators and macros, by name."""
    found = {}
    for name, value in re.findall(r"^#define\s+(IPVS_WLCH_\w+)\s+(\S+)$", text, re.M):
        found[name] = value.strip('"')
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    for body in re.findall(r"\benum\s*\w*\s*{(.*?)}", text, re.S):
        number = -1
        for entry in filter(None, (e.strip() for e in body.split(","))):
            name, _, value = (part.strip() for part in entry.partition("="))
            if name.endswith("_MAX"):
                continue
            number = int(value, 0) if value else number + 1
            found[name] = str(number)
    return found


def header_docs(text):
    """What the kernel-doc comments say of an enumerator, in one line each."""
    found = {}
    for comment in re.findall(r"/\*\*(.*?)\*/", text, re.S):
        lines = re.sub(r"^\s*\* ?", "", comment, flags=re.M)
        for name, doc in re.findall(r"^@(\w+):(.*?)(?=^@|^\s*$|\Z)", lines, re.M | re.S):
            found[name] = " ".join(doc.split())
    return found


def read_header():
    with open(HEADER, encoding="ascii") as file:
        return file.read()


def check_numbers():
    """The names and numbers that the kernel's generator makes of the spec."""
    with tempfile.TemporaryDirectory() as top:
        # it looks for the root of a kernel source above the spec
        os.makedirs(f"{top}/Documentation/netlink/specs")
        with open(f"{top}/MAINTAINERS", "w", encoding="ascii"):
            pass
        for source, target in ((SCHEMA, ""), (SPEC, "specs/")):
            os.symlink(source, f"{top}/Documentation/netlink/{target}"
                       + os.path.basename(source))
        generated = subprocess.run(
            [sys.executable, f"{ROOT}/tools/net/ynl/ynl-gen-c.py", "--mode", "uapi",
             "--header", "--spec",
             f"{top}/Documentation/netlink/specs/{os.path.basename(SPEC)}"],
            check=True, timeout=60, capture_output=True, text=True).stdout
    want = header_constants(generated)
    if len(want) < 30:
        print(f"only {len(want)} constants in the generated header:", generated)
        return 1
    return differences("spec against header:", want, header_constants(read_header()))


def spec_type(fam, attr):
    """As the header's comments have it."""
    words = {"type": attr.type}
    if attr.type == "nest":
        nested = fam.attr_sets[attr["nested-attributes"]]
        words["nest"] = nested.subset_of or nested.name
    if attr.byte_order == "big-endian":
        words["order"] = "network"
    checks = attr.get("checks", {})
    if "max" in checks:
        words["range"] = f"{constant(fam, checks['min'])}..{constant(fam, checks['max'])}"
    return words


def header_type(doc):
    words = {"type": doc.split(",")[0].split(":")[0].split()[0]}
    nest = re.match(r"nest of enum ipvs_wlch_(\w+)", doc)
    span = re.match(r"u\d+, (\d+\.\.\d+):", doc)
    if nest:
        words["nest"] = nest[1]
    if span:
        words["range"] = span[1]
    if "network byte order" in doc:
        words["order"] = "network"
    if words["type"] == "padding":
        words["type"] = "pad"
    return words


def check_types():
    """Types, nests, byte order and ranges, and that nothing is undocumented."""
    fam = spec()
    docs = header_docs(read_header())
    want, got, bad = {}, {}, 0
    for attr_set in fam.attr_sets.values():
        if attr_set.subset_of:
            continue
        for attr in attr_set.attrs.values():
            name = (attr_set.yaml["name-prefix"] + attr.name).upper().replace("-", "_")
            want[name] = spec_type(fam, attr)
            if name in docs:
                got[name] = header_type(docs[name])
            if attr.type != "pad" and not attr.get("doc"):
                print(f"{name} has no doc in the spec")
                bad += 1
    for msg in fam.msgs.values():
        name = f"ipvs-wlch-cmd-{msg.name}".upper().replace("-", "_")
        if name not in docs or not msg.get("doc"):
            print(f"{name} has no doc in the header or in the spec")
            bad += 1
    return bad + differences("spec against header's comments:", want, got)


# The kernel

def controller():
    """The kernel's generic netlink controller."""
    with open(f"{DOCS}/specs/nlctrl.yaml", encoding="ascii") as file:
        text = file.read()
    nlctrl = yaml.safe_load(text)
    for attr_set in nlctrl["attribute-sets"]:
        for attr in attr_set["attributes"]:
            # Linux 6.12 has these two in the wrong order
            if attr_set["name"] == "policy-attrs" and attr["name"] in ("mask", "pad"):
                attr["value"] = {"pad": 11, "mask": 12}[attr["name"]]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("# SPDX-License-Identifier: GPL-2.0\n" + yaml.safe_dump(nlctrl))
        file.flush()
        return YnlFamily(file.name, "", process_unknown=True)


def check_operations():
    """Operations with their flags, the groups and the version."""
    fam = spec()
    kernel = controller().do("getfamily", {"family-name": fam["name"]})
    want, got = {}, {}
    for op in fam.ops.values():
        want[op.req_value] = ({f"cmd-cap-{mode}" for mode in ("do", "dump") if mode in op}
                              | {"cmd-cap-haspol"} | set(op.get("flags", [])))
    for entry in kernel["ops"]:
        for op in entry.values():
            got[op["id"]] = op["flags"]
    groups = {group["name"] for entry in kernel["mcast-groups"] for group in entry.values()}
    return (differences("spec against kernel: operation", want, got)
            + differences("spec against kernel:",
                          {"version": fam["version"], "groups": set(fam.mcast_groups)},
                          {"version": kernel["version"], "groups": groups}))


def spec_policy(fam, attr_set, names):
    policy = {}
    for name in names:
        attr = fam.attr_sets[attr_set][name]
        entry = {"type": {"nest": "nested"}.get(attr.type, attr.type)}
        if attr.type == "nest":
            nested = attr["nested-attributes"]
            entry["nest"] = spec_policy(fam, nested, fam.attr_sets[nested].attrs)
        if "max-len" in attr.get("checks", {}):
            entry["max-len"] = attr["checks"]["max-len"]
        policy[attr.value] = entry
    return policy


def kernel_policies(messages):
    """By number of the policy: attributes, each with type and nested policy."""
    policies = {}
    for message in messages:
        policy = message.get("policy")
        if policy:
            policies.setdefault(policy["policy-id"], {})[policy["attr-id"]] = policy
    return policies


def kernel_policy(policies, number):
    found = {}
    for attr, policy in policies.get(number, {}).items():
        found[attr] = {"type": policy["type"]}
        if "policy-idx" in policy:
            found[attr]["nest"] = kernel_policy(policies, policy["policy-idx"])
        if "max-length" in policy:
            found[attr]["max-len"] = policy["max-length"]
    return found


def check_policy():
    """What the kernel accepts in a request of each operation."""
    fam = spec()
    messages = controller().dump("getpolicy", {"family-name": fam["name"]})
    policies = kernel_policies(messages)
    numbers = {m["op-policy"]["op-id"]: m["op-policy"] for m in messages if "op-policy" in m}
    bad = 0
    for op in fam.ops.values():
        requests = [op[mode].get("request", {}) for mode in ("do", "dump") if mode in op]
        names = {name for request in requests for name in request.get("attributes", [])}
        number = numbers[op.req_value]
        for mode in ("do", "dump"):
            if (mode in op) != (mode in number):
                print(f"{op.name}: {mode} is in one only")
                bad += 1
            if mode in op and mode in number:
                bad += differences(f"spec against kernel: {op.name}",
                                   spec_policy(fam, op.attr_set.name, names),
                                   kernel_policy(policies, number[mode]))
    return bad


def refused(client, operation, request):
    """The error with its text, or None."""
    try:
        client.do(operation, request)
    except NlError as error:
        return f"{-error.nl_msg.error} {(error.nl_msg.extack or {}).get('msg')}"
    return None


def check_ranges():
    """The kernel accepts the limits in the spec, and nothing beyond them."""
    client = family()
    service = client.dump("get-service", {})[0]
    key = {"af": service["af"], "protocol": service["protocol"], "port": service["port"],
           "address": bytes(map(int, service["address"].split(".")))}
    old = {"set-service": client.do("get-service", key)["params"],
           "set-defaults": client.do("get-defaults", {})["params"]}
    want, got = {}, {}
    for operation, begin in (("set-service", key), ("set-defaults", {})):
        for attr in client.attr_sets["params"].attrs.values():
            least = constant(client, attr["checks"]["min"])
            most = constant(client, attr["checks"]["max"])
            no = f"34 {attr.name}: allowed is {least}..{most}"
            for value in {max(least - 1, 0), least, most, most + 1, 2 ** 32 - 1}:
                case = f"{operation} {attr.name}={value}"
                want[case] = None if least <= value <= most else no
                got[case] = refused(client, operation,
                                    begin | {"params": {attr.name: value}})
        client.do(operation, begin | {"params": old[operation]})
    return differences("spec against kernel:", want, got)


def check_replies():
    """The kernel's replies have what the spec says, and no more."""
    client = family()
    seen = {"get-server dump": client.dump("get-server", {}),
            "get-defaults do": [client.do("get-defaults", {})],
            "get-service dump": client.dump("get-service", {})}
    want, got = {}, {}
    for case, replies in seen.items():
        name, mode = case.split()
        want[case] = set(client.ops[name][mode]["reply"]["attributes"])
        got[case] = {attr for reply in replies for attr in reply} - {"pad"}
        nests = [reply["params"] for reply in replies if "params" in reply]
        for params in nests:
            want[f"{case} params"] = set(client.attr_sets["params"].attrs)
            got[f"{case} params"] = set(params)
    return differences("spec against kernel:", want, got)


sys.exit(1 if globals()[f"check_{CHECK}"]() else 0)
