package io.varve.cli.rules;

import io.varve.embedded.stack.Installation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The files that people write, wherever the project lies. */
final class SourceTree {

    static final Path ROOT = Installation.find().home();

    private static final Set<String> NOT_WRITTEN_BY_PEOPLE = Set.of(".git", ".build", "target", "varve-data", ".idea");
    private static final Set<String> TEXT_ENDINGS =
            Set.of("java", "xml", "md", "sh", "properties", "config", "avsc", "json", "yml", "check", "varve", "run");

    private SourceTree() {}

    static List<Path> javaFiles() throws IOException {
        return textFiles().stream().filter(file -> ending(file).equals("java")).toList();
    }

    /** Sources, scripts, documents and build files; a file without an ending counts by its name. */
    static List<Path> textFiles() throws IOException {
        var files = new ArrayList<Path>();
        Files.walkFileTree(ROOT, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                return NOT_WRITTEN_BY_PEOPLE.contains(name(folder))
                        ? FileVisitResult.SKIP_SUBTREE
                        : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (attributes.isRegularFile() && TEXT_ENDINGS.contains(ending(file))) {
                    files.add(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return List.copyOf(files);
    }

    static List<String> lines(Path file) throws IOException {
        return Files.readAllLines(file, StandardCharsets.UTF_8);
    }

    /** For messages: {@code core/pom.xml:12}. */
    static String place(Path file, int line) {
        return ROOT.relativize(file) + ":" + line;
    }

    private static String ending(Path file) {
        return name(file).substring(name(file).lastIndexOf('.') + 1);
    }

    private static String name(Path file) {
        return file.getFileName().toString();
    }
}
