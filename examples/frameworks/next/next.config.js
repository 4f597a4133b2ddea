/** @type {import("next").NextConfig} */
export default {
  // Left out of the bundles, which are then built faster. They work with it, too.
  serverExternalPackages: ["@onelane/sdk"]
}
