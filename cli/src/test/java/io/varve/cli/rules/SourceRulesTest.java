package io.varve.cli.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The limits that keep a source readable, and the words that no finished source holds. */
class SourceRulesTest {

    private static final int FILE_MAX_LINES = 400;
    private static final int LINE_MAX_COLUMNS = 120;
    private static final int METHOD_MAX_LINES = 70;
    private static final int PARAMETERS_MAX = 5;

    // Each is written so that this file doesn't hold what it looks for.
    private static final Pattern UNFINISHED = Pattern.compile("\\b(T[O]DO|F[I]XME|X[X]X)\\b|\\b[Ff]or n[o]w\\b");
    private static final Pattern SKIPPED =
            Pattern.compile("@D[i]sabled|\\bA[s]sumptions\\b|\\ba[s]sume(True|That|False)\\(");
    private static final Pattern FOREIGN_PLACE =
            Pattern.compile("\\.\\./s[h]ared|(^|[\\s\"'=(`:])/(w[o]rk|r[o]ot|h[o]me)/");

    @Test
    void shouldFindTheSources() throws Exception {
        var files = SourceTree.javaFiles();

        assertTrue(files.size() > 50, () -> "only " + files.size() + " files under " + SourceTree.ROOT);
        assertTrue(MethodShape.of(files).size() > 200);
    }

    @Test
    void shouldKeepFilesShort() throws Exception {
        var tooLong = new ArrayList<String>();
        for (var file : SourceTree.javaFiles()) {
            int length = SourceTree.lines(file).size();
            if (length > FILE_MAX_LINES) {
                tooLong.add(SourceTree.place(file, length));
            }
        }

        assertEquals(List.of(), tooLong);
    }

    @Test
    void shouldKeepLinesShort() throws Exception {
        assertNoLine(SourceTree.javaFiles(), line -> line.length() > LINE_MAX_COLUMNS);
    }

    @Test
    void shouldKeepMethodsShort() throws Exception {
        var tooLong = MethodShape.of(SourceTree.javaFiles()).stream()
                .filter(method -> method.lengthLines() > METHOD_MAX_LINES)
                .map(method -> method.place() + " has " + method.lengthLines() + " lines")
                .toList();

        assertEquals(List.of(), tooLong);
    }

    @Test
    void shouldTakeFewParameters() throws Exception {
        var tooMany = MethodShape.of(SourceTree.javaFiles()).stream()
                .filter(method -> method.parameters() > PARAMETERS_MAX)
                .map(method -> method.place() + " takes " + method.parameters())
                .toList();

        assertEquals(List.of(), tooMany);
    }

    @Test
    void shouldLeaveNothingForLater() throws Exception {
        assertNoLine(SourceTree.textFiles(), UNFINISHED.asPredicate());
    }

    @Test
    void shouldSkipNoTest() throws Exception {
        assertNoLine(SourceTree.javaFiles(), SKIPPED.asPredicate());
    }

    @Test
    void shouldNameNoPlaceOutsideTheProject() throws Exception {
        var files = SourceTree.textFiles().stream()
                // The continuous integration alone has more beside the checkout, and does without where it's missing.
                .filter(file -> !file.startsWith(SourceTree.ROOT.resolve(".ci")))
                .toList();

        assertNoLine(files, FOREIGN_PLACE.asPredicate());
    }

    @Test
    void shouldExplainEveryPackage() throws Exception {
        var folders = new TreeSet<Path>();
        for (var file : SourceTree.javaFiles()) {
            if (file.toString().contains("/src/main/")) {
                folders.add(file.getParent());
            }
        }

        var unexplained = folders.stream().filter(folder -> !explains(folder)).toList();

        assertEquals(List.of(), unexplained);
    }

    private static boolean explains(Path folder) {
        try {
            var file = folder.resolve("package-info.java");
            return Files.exists(file) && SourceTree.lines(file).contains("@NullMarked");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void assertNoLine(List<Path> files, Predicate<String> wrong) throws IOException {
        var found = new ArrayList<String>();
        for (var file : files) {
            var lines = SourceTree.lines(file);
            for (int i = 0; i < lines.size(); i++) {
                if (wrong.test(lines.get(i))) {
                    found.add(SourceTree.place(file, i + 1) + " " + lines.get(i).strip());
                }
            }
        }
        assertEquals(List.of(), found);
    }
}
