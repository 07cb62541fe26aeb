"""Checks what deploy/ is made of, beyond what Helm, hadolint and systemd check themselves.

    check.py FOLDER     FOLDER has the chart as Helm rendered it, a file for each set of values

Each Kubernetes object is held against the schemas of the oldest and the newest Kubernetes that are meant, strictly: no key that
Kubernetes does not know. Then come the rules that no schema has. Exit code 1 and a line for each fault.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

import compose_spec
import jsonschema
import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = ("1.27", "1.37")
# Kinds that come with an operator and not with Kubernetes: no schema of theirs is here.
FOREIGN = {"PodMonitor", "ScaledObject"}
SCALED_OBJECT = json.loads((ROOT / "tests/deploy/scaledobject.schema.json").read_text())
# Seconds that a process has to end what it has begun, by default.
DRAIN = 30

faults = []


def expect(holds, where, what):
    if not holds:
        faults.append(f"{where}: {what}")


# Kubernetes


def rendered(path):
    objects = [item for item in yaml.safe_load_all(path.read_text()) if item]
    expect(objects, path.name, "nothing was rendered")
    names = [(item["kind"], item["metadata"]["name"]) for item in objects]
    expect(len(names) == len(set(names)), path.name, "an object is there twice")
    for item in objects:
        where = f"{path.name}, {item['kind']} {item['metadata']['name']}"
        for version in KUBERNETES if item["kind"] not in FOREIGN else ():
            hold_against(where, item, version)
        expect(item["kind"] != "Secret", where, "secrets are the operator's, not the chart's")
    return objects


def hold_against(where, item, version):
    try:
        kubernetes_validate.validate(item, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        place = "/".join(str(part) for part in error.absolute_path)
        faults.append(f"{where}: {place}: {error.message} (Kubernetes {version})")
    except kubernetes_validate.SchemaNotFoundError as error:
        faults.append(f"{where}: {error.message}")


def matches(selector, labels):
    wanted = selector.get("matchLabels", {}).items()
    rules = selector.get("matchExpressions", [])
    return all(labels.get(key) == value for key, value in wanted) and all(
        rule["operator"] == "In" and labels.get(rule["key"]) in rule["values"] for rule in rules
    )


def check_pod(where, pod):
    expect(pod.get("automountServiceAccountToken") is False, where, "a token of the account is given to it")
    expect(pod.get("enableServiceLinks") is False, where, "services are in its environment")
    expect(not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), where, "it shares with the node")
    expect(pod.get("terminationGracePeriodSeconds", 30) > DRAIN, where, "it is killed before it has drained")
    security = pod.get("securityContext", {})
    expect(security.get("runAsNonRoot") is True and security.get("runAsUser", 0) > 0, where, "it may be root")
    expect(security.get("seccompProfile", {}).get("type") == "RuntimeDefault", where, "no seccomp profile")
    spread = {item["topologyKey"] for item in pod.get("topologySpreadConstraints", [])}
    expect({"topology.kubernetes.io/zone", "kubernetes.io/hostname"} <= spread, where, "not spread over zones and nodes")
    for volume in pod.get("volumes", []):
        expect("hostPath" not in volume, where, "it has a folder of the node")
    for container in pod["containers"]:
        check_container(f"{where}, {container['name']}", container)


def check_container(where, container):
    security = container.get("securityContext", {})
    expect(security.get("readOnlyRootFilesystem") is True, where, "its root can be written")
    expect(security.get("allowPrivilegeEscalation") is False, where, "it may become more than it is")
    expect(security.get("capabilities") == {"drop": ["ALL"]}, where, "it keeps capabilities")
    resources = container.get("resources", {})
    for kind in ("requests", "limits"):
        expect({"cpu", "memory"} <= set(resources.get(kind, {})), where, f"{kind} lack cpu or memory")
    for probe, path in {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}.items():
        expect(container.get(probe, {}).get("httpGet", {}).get("path") == path, where, f"{probe} does not ask {path}")
    expect("--quiet" in container["args"], where, "the first key goes into its log")
    check_image(where, container["image"])


def check_image(where, image):
    tag = image.rpartition("/")[2].partition(":")[2]
    expect(tag not in ("", "latest"), where, f"image {image} has no version")


def check_workloads(name, objects):
    workloads = [item for item in objects if item["kind"] in ("Deployment", "StatefulSet")]
    by_kind = lambda kind: [item for item in objects if item["kind"] == kind]
    roles = set()
    for item in workloads:
        where = f"{name}, {item['metadata']['name']}"
        spec, template = item["spec"], item["spec"]["template"]
        labels, pod = template["metadata"]["labels"], template["spec"]
        check_pod(where, pod)
        roles.add(pod["containers"][0]["args"][-1])
        expect(matches(spec["selector"], labels), where, "its selector does not find its pods")
        budgets = [budget for budget in by_kind("PodDisruptionBudget") if matches(budget["spec"]["selector"], labels)]
        expect(len(budgets) == 1, where, f"{len(budgets)} disruption budgets")
        denied = [
            policy
            for policy in by_kind("NetworkPolicy")
            if matches(policy["spec"]["podSelector"], labels)
            and set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
            and not policy["spec"].get("ingress")
            and not policy["spec"].get("egress")
        ]
        expect(denied, where, "no network policy denies what the others do not allow")
        volumes = {volume["name"] for volume in pod["volumes"]}
        volumes |= {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])}
        for mount in pod["containers"][0]["volumeMounts"]:
            expect(mount["name"] in volumes, where, f"no volume is called {mount['name']}")
        if pod["containers"][0]["args"][-1] == "api":
            claims = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])]
            spool = [mount["name"] for mount in pod["containers"][0]["volumeMounts"] if mount["mountPath"] == "/var/lib/procession"]
            expect(claims == spool, where, "its uploads do not outlive its node")
        elif any(scaled["spec"]["scaleTargetRef"]["name"] == item["metadata"]["name"] for scaled in by_kind("ScaledObject")):
            expect("replicas" not in spec, where, "every upgrade would undo what KEDA did")
        else:
            expect(spec["replicas"] >= 1, where, "there is none of it")
    expect(roles == {"api", "worker", "controller"}, name, f"roles {roles}")
    for service in by_kind("Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        found = [item for item in workloads if matches(selector, item["spec"]["template"]["metadata"]["labels"])]
        expect(len(found) == 1, f"{name}, {service['metadata']['name']}", f"finds {len(found)} workloads")
    for policy in by_kind("NetworkPolicy"):
        for rule in policy["spec"].get("ingress", []) + policy["spec"].get("egress", []):
            peers = rule.get("from") or rule.get("to")
            expect(peers and rule.get("ports"), f"{name}, {policy['metadata']['name']}", "a rule allows everybody")


def check_scaled(name, objects):
    by_name = {(item["kind"], item["metadata"]["name"]): item for item in objects}
    scaled = [item for item in objects if item["kind"] == "ScaledObject"]
    wanted = {"oldest.yaml": 1, "specialists.yaml": 2}.get(name, int(name.startswith("four-regions")))
    expect(len(scaled) == wanted, name, f"{len(scaled)} ScaledObjects")
    fleets = [frozenset(fleet(item).items()) for item in scaled]
    expect(len(fleets) == len(set(fleets)), name, "two ScaledObjects are about one fleet")
    for item in scaled:
        where, spec = f"{name}, {item['metadata']['name']}", item["spec"]
        for error in jsonschema.Draft7Validator(SCALED_OBJECT).iter_errors(spec):
            faults.append(f"{where}: {'/'.join(map(str, error.absolute_path))}: {error.message} (KEDA)")
        target, trigger = spec["scaleTargetRef"]["name"], spec["triggers"][0]
        expect(("Deployment", target) in by_name, where, f"scales {target}, which is not there")
        container = by_name["Deployment", target]["spec"]["template"]["spec"]["containers"][0]
        offers = [entry["value"] for entry in container["env"] if entry["name"] == "PROCESSION__WORKER__STAGES"]
        expect(offers == list(filter(None, [fleet(item).get("stages")])), where, f"asks for others than offer {offers}")
        expect(spec["minReplicaCount"] <= spec["maxReplicaCount"], where, "it may have fewer than it must")
        expect(spec["fallback"]["replicas"] >= 1, where, "KEDA stops all workers while nobody decides")
        expect(str(spec["maxReplicaCount"]) == trigger["metadata"]["most"], where, "the controller may decide for more")
        check_autoscaler(where, spec, "1.27" if name == "oldest.yaml" else KUBERNETES[-1])
        check_address(where, trigger["metadata"]["scalerAddress"], objects, by_name)


def fleet(scaled):
    """What tells the fleet of a ScaledObject from all others."""
    metadata = scaled["spec"]["triggers"][0]["metadata"]
    return {key: metadata[key] for key in ("region", "device", "stages") if key in metadata}


def check_autoscaler(where, spec, version):
    """The HorizontalPodAutoscaler that KEDA makes of it."""
    metric = {"metric": {"name": "s0"}, "target": {"type": "AverageValue", "averageValue": "1"}}
    made = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", **spec["scaleTargetRef"]},
        "minReplicas": max(1, spec["minReplicaCount"]),
        "maxReplicas": spec["maxReplicaCount"],
        "metrics": [{"type": "External", "external": metric}],
        "behavior": spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"],
    }
    item = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "made"}, "spec": made}
    hold_against(where, item, version)
    for way in ("scaleUp", "scaleDown"):
        rules = made["behavior"][way]
        expect(rules["stabilizationWindowSeconds"] == 0, where, f"{way} waits, and the controller has waited already")
        expect(version == "1.27" or rules.get("tolerance") == "0", where, f"{way} may be off by a tenth")


def check_address(where, address, objects, by_name):
    """KEDA finds a controller at the address, and is let in."""
    found = re.fullmatch(r"([\w-]+)\.procession\.svc:(\d+)", address)
    service = found and by_name.get(("Service", found[1]))
    port = service and next((port for port in service["spec"]["ports"] if str(port["port"]) == found[2]), None)
    if not port:
        return expect(False, where, f"nobody is {address}")
    for item in objects:
        labels = item["spec"]["template"]["metadata"]["labels"] if item["kind"] == "Deployment" else {}
        if not matches({"matchLabels": service["spec"]["selector"]}, labels):
            continue
        container = item["spec"]["template"]["spec"]["containers"][0]
        ports = {entry["name"]: entry["containerPort"] for entry in container["ports"]}
        env = {entry["name"]: entry.get("value") for entry in container["env"]}
        listens = env.get("PROCESSION__SERVICE__SCALER_LISTEN") == f"0.0.0.0:{ports.get(port['targetPort'])}"
        expect(listens and container["args"][-1] == "controller", where, f"nobody listens at {address}")
        admitted = [
            policy
            for policy in objects
            if policy["kind"] == "NetworkPolicy"
            and matches(policy["spec"]["podSelector"], labels)
            and any(port["targetPort"] == rule["ports"][0]["port"] for rule in policy["spec"].get("ingress", []))
        ]
        expect(len(admitted) == 1, where, "no network policy, or more than one, lets KEDA in")


def check_configuration(name, objects):
    config = next(item for item in objects if item["kind"] == "ConfigMap")["data"]["config.toml"]
    config = tomllib.loads(config)
    check_stores(f"{name}, config.toml", config)
    expected = re.fullmatch(r"four-regions-(.*)\.yaml", name)
    if expected:
        expect(config["region"] == expected[1], name, f"region {config['region']}")
        expect(len({store["region"] for store in config["stores"]}) == 4, name, "not four regions")
    if name == "accelerator.yaml":
        workers = [item for item in objects if item["kind"] == "Deployment" and "worker" in item["metadata"]["name"]]
        expect(len(workers) == 1, name, f"{len(workers)} kinds of workers")
        worker = workers[0]
        pod = worker["spec"]["template"]["spec"]
        limits = pod["containers"][0]["resources"]["limits"]
        expect(limits.get("nvidia.com/gpu") == 1, name, "no accelerator is asked for")
        expect(pod.get("nodeSelector") and pod.get("tolerations"), name, "its place is not passed on")


def check_stores(where, config):
    expect(1 <= config["replicas_awaited"] <= len(config["stores"]), where, "awaits more replicas than there are stores")
    known = {"region", "endpoint", "bucket", "access_key_file", "secret_key_file", "storage_class"}
    for store in config["stores"]:
        expect(set(store) <= known, where, f"unknown keys {set(store) - known}")


# Docker


def check_compose():
    where = "deploy/compose.yaml"
    text = (DEPLOY / "compose.yaml").read_text()
    # What Compose does before it reads the file.
    plain = re.sub(r"(?<!\$)\$\{\w+:-([^}]*)\}", r"\1", text)
    expect(not re.search(r"(?<!\$)\$\{", plain), where, "a variable has no default")
    # PyYAML merges what is shared; the other one knows what Compose does.
    compose = yaml.safe_load(plain)
    compose_spec.PyCompose.from_yaml(yaml.safe_dump(compose, sort_keys=False)).validate()
    for name, service in compose["services"].items():
        place = f"{where}, {name}"
        check_image(place, service["image"])
        for key in ("restart", "mem_limit", "cap_drop", "security_opt"):
            expect(key in service, place, f"no {key}")
        expect(service.get("cap_drop") == ["ALL"], place, "it keeps capabilities")
        expect(not service.get("privileged"), place, "it is privileged")
        expect("ports" not in service or name == "edge", place, "only the edge is reached from outside")
        for needed in service.get("depends_on", {}):
            expect(needed in compose["services"], place, f"waits for {needed}, which is not there")
            condition = service["depends_on"][needed]["condition"]
            healthy = compose["services"][needed]
            if condition == "service_healthy" and "build" not in healthy and "procession:" not in healthy["image"]:
                expect("healthcheck" in healthy, place, f"waits for the health of {needed}, which has no check")
        if service["image"].startswith("procession:"):
            expect(service.get("read_only") is True, place, "its root can be written")
            expect("--quiet" in service["command"], place, "the first key goes into its log")
            grace = int(service.get("stop_grace_period", "10s").rstrip("s"))
            expect(grace > DRAIN, place, "it is killed before it has drained")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if re.match(r"\w", source):
                expect(source in compose["volumes"], place, f"no volume is called {source}")
            elif source.startswith("."):
                expect((DEPLOY / source).exists(), place, f"mounts {source}, which is not there")
    for config in compose["configs"].values():
        expect((DEPLOY / config["file"]).exists(), where, f"{config['file']} is not there")
    made = made_secrets()
    for secret in compose["secrets"].values():
        expect(pathlib.Path(secret["file"]).name in made, where, f"deploy/secrets.sh does not make {secret['file']}")
    origin = "server 127.0.0.1:8080;"
    expect(origin in text and origin in (ROOT / "docs/nginx-edge.conf").read_text(), where, "the edge's address is another")
    config = tomllib.loads((DEPLOY / "compose.toml").read_text())
    check_stores("deploy/compose.toml", config)
    for store in config["stores"]:
        host = re.fullmatch(r"http://([\w-]+):8333", store["endpoint"])
        expect(host and host[1] in compose["services"], "deploy/compose.toml", f"nobody is {store['endpoint']}")


def made_secrets():
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "secrets.sh"
        script.write_text((DEPLOY / "secrets.sh").read_text())
        subprocess.run(["sh", script], check=True, stdout=subprocess.DEVNULL)
        again = subprocess.run(["sh", script], capture_output=True)
        expect(again.returncode == 1, "deploy/secrets.sh", "makes secrets where there are some")
        files = {path.name: path.read_text() for path in (pathlib.Path(folder) / "secrets").iterdir()}
    expect(re.fullmatch("[0-9a-f]{64}", files["signing_key"]), "deploy/secrets.sh", "the signing key is not 64 hex digits")
    yaml.safe_load(files["s3.json"])
    return set(files)


def check_versions():
    package = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    expect(f"FROM rust:{package['rust-version']}-" in dockerfile, "deploy/Dockerfile", "another Rust than Cargo.toml's")
    expect("\nUSER 10001:10001\n" in dockerfile, "deploy/Dockerfile", "not the user of the chart")
    chart = yaml.safe_load((DEPLOY / "helm/procession/Chart.yaml").read_text())
    expect(chart["appVersion"] == package["version"], "Chart.yaml", "another version than Cargo.toml's")
    expect(f"procession:{package['version']}" in (DEPLOY / "compose.yaml").read_text(), "deploy/compose.yaml", "another version")


def main():
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.yaml"))
    expect(files, sys.argv[1], "Helm rendered nothing")
    for path in files:
        objects = rendered(path)
        check_workloads(path.name, objects)
        check_scaled(path.name, objects)
        check_configuration(path.name, objects)
    check_compose()
    check_versions()
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
