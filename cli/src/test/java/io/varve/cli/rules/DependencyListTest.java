package io.varve.cli.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The page that justifies each dependency. */
class DependencyListTest {

    private static final Pattern ARTIFACT_OF_OTHERS =
            Pattern.compile("<groupId>(?!io\\.varve)[^<]+</groupId>\\s*<artifactId>([^<]+)</artifactId>");
    private static final Pattern LISTED = Pattern.compile("`([A-Za-z][A-Za-z0-9_.-]+)`(?=[^|\\n]*\\|[^|\\n]*\\|)");

    @Test
    void shouldJustifyEveryDependency() throws Exception {
        var pom = Files.readString(SourceTree.ROOT.resolve("pom.xml"));
        var page = Files.readString(SourceTree.ROOT.resolve("docs/dependencies.md"));

        var declared = found(ARTIFACT_OF_OTHERS, pom);
        var listed = found(LISTED, page);

        // The formatter is named by a tag of its own, not as an artifact.
        declared.add("palantir-java-format");
        assertEquals(String.join("\n", declared), String.join("\n", listed));
    }

    private static Set<String> found(Pattern pattern, String text) {
        var names = new TreeSet<String>();
        pattern.matcher(text).results().forEach(match -> names.add(match.group(1)));
        return names;
    }
}
