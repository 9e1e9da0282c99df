package io.varve.embedded.stack;

import java.util.List;
import java.util.stream.Stream;

/** What the JVMs of the project are started with. */
public final class JvmOptions {

    /** For every JVM: the property {@code varve.jvm.options} of the root pom, repeated. */
    public static final List<String> COMMON = List.of(
            "-Dorg.apache.avro.SERIALIZABLE_PACKAGES=io.varve.schemas",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow");

    /** For a child that does little work of its own: it starts sooner without the optimizing compiler. */
    public static final String QUICK_START = "-XX:TieredStopAtLevel=1";

    /**
     * For an agent that guests wait for while it starts: the optimizing compiler begins ten times later than by
     * default, so it doesn't take the processors from the start. The root pom's {@code varve.capture.options},
     * repeated.
     */
    public static final List<String> SERVES_SOON = List.of(
            "-XX:Tier4InvocationThreshold=50000",
            "-XX:Tier4MinInvocationThreshold=6000",
            "-XX:Tier4CompileThreshold=150000",
            "-XX:Tier4BackEdgeThreshold=400000");

    private JvmOptions() {}

    /**
     * For a child process on a small machine: little memory, one collector thread.
     *
     * @param heapMaxMebibytes the bound of the Java heap
     */
    public static List<String> small(int heapMaxMebibytes) {
        var sizes = Stream.of(
                "-Xms16m",
                "-Xmx" + heapMaxMebibytes + "m",
                "-Xss512k",
                "-XX:+UseSerialGC",
                "-XX:+ExitOnOutOfMemoryError");
        return Stream.concat(COMMON.stream(), sizes).toList();
    }
}
