# A receiver as its documentation has one written, with what Python brings along: lines in, verdicts out.
import hashlib, hmac, json, sys, time

def verify(secret, body, headers):
    timestamp = headers["x-scaivault-timestamp"]
    if abs(time.time() - int(timestamp)) > 300:
        return None
    signed = timestamp.encode() + b"." + body
    expected = "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, headers["x-scaivault-signature"]):
        return None
    return json.loads(body)

for line in sys.stdin:
    asked = json.loads(line)
    told = verify(asked["secret"], asked["body"].encode(), asked["headers"])
    print((told.get("event_id") or told["id"]) if told else "refused", flush=True)
