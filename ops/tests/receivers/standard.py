# Verifies with the library of Standard Webhooks: lines of JSON in, a verdict for each out.
import json, sys
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

for line in sys.stdin:
    asked = json.loads(line)
    try:
        told = Webhook(asked["secret"]).verify(asked["body"], asked["headers"])
        print(told["event_id"] if "event_id" in told else told["id"], flush=True)
    except WebhookVerificationError as error:
        print("refused", flush=True)
