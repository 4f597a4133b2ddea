/** Supported: throws where this program has an Effect that we cannot run on. An entry imports it before it loads anything else. */
import * as EffectVersion from "@onelane/engine/EffectVersion"

const fault = EffectVersion.fault()
if (fault !== null) throw new Error(fault)
