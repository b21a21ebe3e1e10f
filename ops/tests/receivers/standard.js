// Verifies with the library of Standard Webhooks: lines of JSON in, a verdict for each out.
const { Webhook } = require("standardwebhooks");
const lines = require("readline").createInterface({ input: process.stdin });

lines.on("line", (line) => {
  const { secret, body, headers } = JSON.parse(line);
  try {
    const told = new Webhook(secret).verify(body, headers);
    console.log(told.event_id ?? told.id);
  } catch {
    console.log("refused");
  }
});
