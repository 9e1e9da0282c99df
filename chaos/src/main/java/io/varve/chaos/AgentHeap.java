package io.varve.chaos;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The Java heap of another process, by the JDK's {@code jcmd}. */
record AgentHeap(long pid) {
    /** {@code DefNew total 4928K, used 1187K}, and the like for the tenured generation. */
    private static final Pattern USED = Pattern.compile("total \\d+K, used (\\d+)K");

    /** What is used after a collection, in bytes. */
    long usedBytesAfterCollection() throws IOException, InterruptedException {
        String _ = jcmd("GC.run");
        String said = jcmd("GC.heap_info");
        Matcher used = USED.matcher(said);
        long kibibytes = 0;
        while (used.find()) {
            kibibytes += Long.parseLong(used.group(1));
        }
        if (kibibytes == 0) {
            throw new IOException("jcmd told nothing of the heap of process " + pid + ", but: " + said);
        }
        return kibibytes << 10;
    }

    private String jcmd(String command) throws IOException, InterruptedException {
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        Process process = new ProcessBuilder(jcmd.toString(), Long.toString(pid), command)
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException("jcmd " + pid + " " + command + " failed: " + said.strip());
        }
        return said;
    }
}
