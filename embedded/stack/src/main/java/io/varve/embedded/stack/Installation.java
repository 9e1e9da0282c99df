package io.varve.embedded.stack;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The folder that holds the built project, from which the embedded servers get their class paths.
 *
 * @param home the root of the source tree
 */
public record Installation(Path home) {

    /** The system property by which the launcher names the root. */
    public static final String HOME_PROPERTY = "varve.home";

    private static final Path SERVERS = Path.of("embedded");

    /**
     * Finds the installation: what the property {@value #HOME_PROPERTY} says, else the nearest folder at or above the
     * working folder in which the servers were built.
     *
     * @throws IllegalStateException when there is none
     */
    public static Installation find() {
        var said = System.getProperty(HOME_PROPERTY);
        if (said != null) {
            return new Installation(Path.of(said).toAbsolutePath());
        }
        var start = Path.of("").toAbsolutePath();
        for (var folder = start; folder != null; folder = folder.getParent()) {
            if (Files.isDirectory(folder.resolve(SERVERS).resolve("broker"))) {
                return new Installation(folder);
            }
        }
        throw new IllegalStateException("No Varve source tree at or above " + start
                + ": start Varve with ./varve, or set " + "the system property " + HOME_PROPERTY + ".");
    }

    /**
     * The class path of one embedded server, nothing of which is on the product's own.
     *
     * @param server the folder under {@code embedded/}
     */
    List<Path> classPath(String server) {
        var target = home.resolve(SERVERS).resolve(server).resolve("target");
        var libraries = target.resolve("lib");
        if (!Files.isDirectory(libraries)) {
            throw new IllegalStateException("The embedded " + server + " isn't built, there is no " + libraries
                    + ": build it with mvn test-compile, or start Varve with ./varve.");
        }
        var child = home.resolve(SERVERS).resolve("child").resolve("target").resolve("classes");
        return List.of(target.resolve("classes"), child, libraries.resolve("*"));
    }
}
