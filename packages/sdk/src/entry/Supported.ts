/** Supported: throws if the installed Effect is not supported. An entry imports it before anything else. */
import * as EffectVersion from "@onelane/engine/EffectVersion"

const fault = EffectVersion.fault()
if (fault !== null) throw new Error(fault)
