package io.varve.embedded.stack;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The physical memory that a process occupies, as proc(5) tells it. */
final class ResidentMemory {

    private static final String FIELD = "VmRSS:";

    private ResidentMemory() {}

    static long ofProcessBytes(long pid) throws IOException {
        var status = Files.readAllLines(Path.of("/proc", Long.toString(pid), "status"));
        var line = status.stream()
                .filter(each -> each.startsWith(FIELD))
                .findFirst()
                .orElseThrow();
        var kibibytes = line.substring(FIELD.length()).replace("kB", "").strip();
        return Long.parseLong(kibibytes) << 10;
    }
}
