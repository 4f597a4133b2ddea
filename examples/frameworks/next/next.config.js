/** @type {import("next").NextConfig} */
export default {
  // Left out of the bundles: its database drivers are optional, and one has a binary.
  serverExternalPackages: ["@onelane/sdk"]
}
