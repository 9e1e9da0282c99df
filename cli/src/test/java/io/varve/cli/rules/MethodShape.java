package io.varve.cli.rules;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePathScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import javax.tools.ToolProvider;

/**
 * The size of a method as the compiler parses it.
 *
 * @param line where it begins, its comment left out
 * @param lengthLines from there to its closing brace
 * @param parameters how many it takes; 0 for the constructor of a record, which takes what the record holds
 */
record MethodShape(Path file, String name, int line, int lengthLines, int parameters) {

    /** All methods and constructors of the files. */
    static List<MethodShape> of(List<Path> files) throws IOException {
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var sources = compiler.getStandardFileManager(null, null, null)) {
            var units = sources.getJavaFileObjectsFromPaths(files);
            var task = (JavacTask) compiler.getTask(null, sources, null, List.of("-proc:none"), null, units);
            var shapes = new ArrayList<MethodShape>();
            var scanner = new Scanner(Trees.instance(task), shapes);
            for (var unit : task.parse()) {
                scanner.scan(unit, unit);
            }
            return List.copyOf(shapes);
        }
    }

    String place() {
        return SourceTree.place(file, line) + " " + name;
    }

    private static final class Scanner extends TreePathScanner<Void, CompilationUnitTree> {

        private final Trees trees;
        private final List<MethodShape> shapes;

        private Scanner(Trees trees, List<MethodShape> shapes) {
            this.trees = trees;
            this.shapes = shapes;
        }

        @Override
        public Void visitMethod(MethodTree method, CompilationUnitTree unit) {
            var positions = trees.getSourcePositions();
            var lines = Objects.requireNonNull(unit.getLineMap());
            int first = (int) lines.getLineNumber(positions.getStartPosition(unit, method));
            int last = (int) lines.getLineNumber(positions.getEndPosition(unit, method));
            var parent = (ClassTree) getCurrentPath().getParentPath().getLeaf();
            boolean holdsItsParameters =
                    parent.getKind() == Tree.Kind.RECORD && method.getName().contentEquals("<init>");
            int parameters = holdsItsParameters ? 0 : method.getParameters().size();
            var name = parent.getSimpleName() + "." + method.getName();
            shapes.add(
                    new MethodShape(Path.of(unit.getSourceFile().toUri()), name, first, last - first + 1, parameters));
            return super.visitMethod(method, unit);
        }
    }
}
