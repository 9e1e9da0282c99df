package io.varve.capture.qmp;

import static io.varve.capture.qmp.Parameter.choice;
import static io.varve.capture.qmp.Parameter.optional;
import static io.varve.capture.qmp.Parameter.optionalFlag;
import static io.varve.capture.qmp.Parameter.optionalText;
import static io.varve.capture.qmp.Parameter.required;
import static io.varve.capture.qmp.Parameter.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.job.CreateImage;
import io.varve.capture.job.Jobs;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeOptionsReader;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.node.NodeSpec.ChildSpec;
import io.varve.core.job.JobSetup;
import io.varve.formats.qcow2.Backing;
import io.varve.formats.qcow2.ClusterSize;
import io.varve.formats.qcow2.ImageGeometry;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** blockdev-create: an image is made by a job (QAPI's BlockdevCreateOptions, of the drivers that can be made here). */
final class CreateCommand {
    private static final long CLUSTER_BYTES_MIN = 512;
    private static final long CLUSTER_BYTES_MAX = 2L << 20;
    private static final String PREFIX = "options.";
    private static final List<String> PREALLOCATION = List.of("off", "metadata", "falloc", "full");

    private static final List<Parameter> FILE = List.of(
            text("driver"),
            text("filename"),
            required("size", new Parameter.Type.Whole()),
            optional("preallocation", new Parameter.Type.Choice(PREALLOCATION)),
            optionalFlag("nocow"),
            optional("extent-size-hint", new Parameter.Type.Whole()));

    private static final List<Parameter> QCOW2 = List.of(
            text("driver"),
            required("file", new Parameter.Type.Rest()),
            optionalFlag("extended-l2"),
            required("size", new Parameter.Type.Whole()),
            optional("version", choice("v2", "v3")),
            optionalText("backing-file"),
            optionalText("backing-fmt"),
            optional("cluster-size", new Parameter.Type.Whole()),
            optional("preallocation", new Parameter.Type.Choice(PREALLOCATION)),
            optionalFlag("lazy-refcounts"),
            optional("refcount-bits", new Parameter.Type.Whole()),
            optional("compression-type", choice("zlib", "zstd")));

    private final Jobs jobs;
    private final NodeGraph graph;

    CreateCommand(Jobs jobs, NodeGraph graph) {
        this.jobs = jobs;
        this.graph = graph;
    }

    Command command() {
        return Command.of(
                "blockdev-create",
                List.of(text("job-id"), required("options", new Parameter.Type.Struct(List.of(Parameter.rest())))),
                this::create);
    }

    private JsonNode create(Arguments arguments) throws QmpException {
        ObjectNode options = arguments.struct("options").json();
        CreateImage.What what;
        try {
            what = what(options);
        } catch (NodeRefusedException e) {
            throw QmpException.generic(e.description());
        }
        Optional<String> objection =
                jobs.run(JobSetup.create(arguments.text("job-id")), 0, new CreateImage(graph, what));
        if (objection.isPresent()) {
            throw QmpException.generic(objection.get());
        }
        return JsonText.object();
    }

    private static CreateImage.What what(ObjectNode json) throws QmpException, NodeRefusedException {
        if (!json.path("driver").isTextual()) {
            throw QmpException.generic(
                    json.has("driver")
                            ? "Invalid parameter type for 'options.driver', expected: string"
                            : "Parameter 'options.driver' is missing");
        }
        Arguments options = new Arguments(json);
        return switch (options.text("driver")) {
            case "file" -> {
                ArgumentCheck.check(json, FILE, PREFIX);
                yield file(options);
            }
            case "qcow2" -> {
                ArgumentCheck.check(json, QCOW2, PREFIX);
                yield new CreateImage.What.Qcow2(child(json), geometry(options));
            }
            case "raw", "nbd", "null-co", "blkdebug" ->
                throw QmpException.generic("Driver does not support blockdev-create");
            default ->
                throw QmpException.generic("Parameter 'driver' does not accept value '" + options.text("driver") + "'");
        };
    }

    private static CreateImage.What file(Arguments options) throws QmpException {
        long sizeBytes = size(options);
        try {
            return new CreateImage.What.File(Path.of(options.text("filename")), sizeBytes);
        } catch (InvalidPathException e) {
            throw QmpException.generic("Could not create file: Invalid argument");
        }
    }

    private static long size(Arguments options) throws QmpException {
        long sizeBytes = options.optionalNumber("size").orElseThrow();
        if (sizeBytes < 0) {
            throw QmpException.generic("Parameter 'options.size' expects uint64");
        }
        return sizeBytes;
    }

    private static ChildSpec child(ObjectNode json) throws QmpException, NodeRefusedException {
        JsonNode file = Objects.requireNonNull(json.get("file"));
        if (file.isTextual()) {
            return new ChildSpec.Reference(file.textValue());
        }
        if (file instanceof ObjectNode inline) {
            return new ChildSpec.Inline(NodeOptionsReader.read(inline));
        }
        throw QmpException.generic("Invalid parameter type for 'options.file', expected: BlockdevRef");
    }

    private static ImageGeometry geometry(Arguments options) throws QmpException {
        long sizeBytes = size(options);
        long clusterBytes = options.optionalNumber("cluster-size").orElse((long) ClusterSize.DEFAULT.bytes());
        checkSupported(options);
        if (sizeBytes % ImageGeometry.SECTOR_BYTES != 0) {
            throw QmpException.generic("Image size must be a multiple of 512 bytes");
        }
        if (Long.bitCount(clusterBytes) != 1 || clusterBytes < CLUSTER_BYTES_MIN || clusterBytes > CLUSTER_BYTES_MAX) {
            throw QmpException.generic("Cluster size must be a power of two between 512 and 2048k");
        }
        Optional<String> name = options.optionalText("backing-file");
        Optional<String> format = options.optionalText("backing-fmt");
        if (name.isEmpty() && format.isPresent()) {
            throw QmpException.generic("Backing format cannot be used without backing file");
        }
        if (name.isPresent() && format.isEmpty()) {
            throw QmpException.generic("A backing file's format is never probed: give 'backing-fmt', too");
        }
        ClusterSize clusterSize = new ClusterSize((int) clusterBytes);
        Optional<Backing> backing = name.map(file -> new Backing(file, format.orElseThrow()));
        Optional<String> objection = ImageGeometry.objection(sizeBytes, clusterSize, backing);
        if (objection.isPresent()) {
            throw QmpException.generic("The image can't be made: it would be " + objection.get());
        }
        return new ImageGeometry(sizeBytes, clusterSize, backing);
    }

    private static void checkSupported(Arguments options) throws QmpException {
        boolean isPlain = options.optionalText("version").orElse("v3").equals("v3")
                && options.optionalText("compression-type").orElse("zlib").equals("zlib")
                && options.optionalText("preallocation").orElse("off").equals("off")
                && options.optionalNumber("refcount-bits").orElse(16L) == 16
                && !options.flag("extended-l2", false)
                && !options.flag("lazy-refcounts", false);
        if (!isPlain) {
            throw QmpException.generic("Varve makes images of version v3 with refcounts of 16 bits, zlib and without "
                    + "preallocation, extended L2 entries and lazy refcounts: make others by 'qemu-img create'");
        }
    }
}
