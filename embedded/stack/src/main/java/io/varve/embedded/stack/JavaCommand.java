package io.varve.embedded.stack;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * How to start a JVM like this one with another class path.
 *
 * @param name what messages call the process
 * @param jvmOptions options of the {@code java} launcher
 * @param classPath class folders, jar files, or {@code FOLDER/*}
 * @param main the main class and its arguments
 * @param environment variables added to this process's own
 * @param priority against other processes of the host
 */
public record JavaCommand(
        String name,
        List<String> jvmOptions,
        List<Path> classPath,
        List<String> main,
        Map<String, String> environment,
        Priority priority) {

    /** Who gets a processor first. */
    public enum Priority {
        USUAL,
        /** Guests and whoever serves them come first. */
        BACKGROUND
    }

    /**
     * A terminal's interrupt goes to this process and its children alike; they must not take it, so that this one can
     * stop them in order. A JVM leaves a signal alone that was ignored when it started, which a shell can arrange.
     */
    private static final List<String> DEAF_TO_THE_TERMINAL =
            List.of("/bin/sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh");

    private static final List<String> NICE = List.of("nice", "-n", "10");

    public JavaCommand {
        jvmOptions = List.copyOf(jvmOptions);
        classPath = List.copyOf(classPath);
        main = List.copyOf(main);
        environment = Map.copyOf(environment);
    }

    /** One of the usual priority. */
    public JavaCommand(
            String name,
            List<String> jvmOptions,
            List<Path> classPath,
            List<String> main,
            Map<String, String> environment) {
        this(name, jvmOptions, classPath, main, environment, Priority.USUAL);
    }

    /** The same, which lets others go first. */
    public JavaCommand inBackground() {
        return new JavaCommand(name, jvmOptions, classPath, main, environment, Priority.BACKGROUND);
    }

    /** The class path of this very process, for roles of the product in processes of their own. */
    public static List<Path> ownClassPath() {
        return List.of(System.getProperty("java.class.path").split(File.pathSeparator)).stream()
                .map(Path::of)
                .toList();
    }

    ProcessBuilder toProcessBuilder() {
        var command = new ArrayList<>(DEAF_TO_THE_TERMINAL);
        if (priority == Priority.BACKGROUND) {
            command.addAll(NICE);
        }
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(jvmOptions);
        command.add("-cp");
        command.add(classPath.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator)));
        command.addAll(main);
        var builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        return builder;
    }
}
