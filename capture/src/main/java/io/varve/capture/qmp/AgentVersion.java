package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** The version of QEMU whose outward behaviour is matched, and the package that does so. */
final class AgentVersion {
    private static final int MAJOR = 7;
    private static final int MINOR = 2;
    private static final int MICRO = 22;

    private AgentVersion() {}

    /** @param name of the package, as {@code varve 0.1.0} */
    static ObjectNode json(String name) {
        ObjectNode version = JsonText.object();
        version.putObject("qemu").put("micro", MICRO).put("minor", MINOR).put("major", MAJOR);
        return version.put("package", name);
    }

    /** What a monitor is told first. */
    static ObjectNode greeting(String name) {
        ObjectNode greeting = JsonText.object();
        ObjectNode content = greeting.putObject("QMP");
        content.set("version", json(name));
        content.putArray("capabilities").add(Session.OUT_OF_BAND);
        return greeting;
    }
}
