package io.varve.sink;

import io.varve.archive.ArchiveSettings;
import io.varve.embedded.child.ParentWatch;
import io.varve.embedded.child.ReadyLine;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.Map;

/** The role in a process of its own: BOOTSTRAP, a properties file that names the archive, the number of workers. */
final class SinkTestMain {
    private SinkTestMain() {}

    public static void main(String[] arguments) throws Exception {
        ArchiveSettings archive = ArchiveSettings.of(ArchiveSettings.load(Path.of(arguments[1])), Map.of());
        SinkConfig config = SinkConfig.of(arguments[0], archive).withWorkers(Integer.parseInt(arguments[2]));
        SinkRole role = SinkRole.start(config, InstantSource.system(), new SecureRandom());
        ParentWatch.start(System.in, role::close);
        new ReadyLine("sink").print(System.out);
        if (role.awaitEnd().isPresent()) {
            System.exit(1);
        }
    }
}
