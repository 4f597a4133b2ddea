// The health check of a container: ends with 0 if the server of this machine is ready, else with 1.
const port = process.env.ONELANE_PORT ?? "8080"
const signal = AbortSignal.timeout(2_000)
fetch(`http://127.0.0.1:${port}/readyz`, { signal }).then(
  ({ ok }) => process.exit(ok ? 0 : 1),
  () => process.exit(1)
)
