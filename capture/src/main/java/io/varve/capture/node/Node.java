package io.varve.capture.node;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.backend.qcow2.Qcow2Backend;
import io.varve.core.id.DriveId;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A block node.
 *
 * <p>Thread: what may change is guarded by the lock of {@link NodeGraph}; {@link #io} and {@link #backend} are safe for
 * any thread.
 */
public final class Node {
    /** Whose it is: who may delete it, and with whom it goes. */
    public enum Owner {
        /** It came by blockdev-add. */
        MONITOR,
        /** It came with a device. */
        DEVICE,
        /** It came with the node above it. */
        PARENT,
        /** It came with a job, and goes with it. */
        JOB
    }

    /** Children by their role: {@code file}, {@code backing}, {@code image}. */
    public static final String FILE = "file";

    public static final String BACKING = "backing";
    static final String IMAGE = "image";
    static final String TARGET = "target";

    private final String name;
    private Owner owner;
    private final NodeBackend backend;
    private final NodeIo io;
    private final Map<String, Node> children;
    private final List<NodeUse> uses = new ArrayList<>();
    private final List<Node> parents = new ArrayList<>();
    private NodeSpec spec;
    private Optional<DriveId> drive = Optional.empty();

    Node(String name, Owner owner, NodeSpec spec, NodeOpener.Opened opened, NodeIo io) {
        this.name = name;
        this.owner = owner;
        this.spec = spec;
        this.backend = opened.backend();
        this.io = io;
        this.children = new LinkedHashMap<>(opened.children());
        children.values().forEach(child -> child.parents.add(this));
    }

    public String name() {
        return name;
    }

    /** Whether somebody named it; else its name was made for it. */
    boolean isNamed() {
        return spec.options().name().isPresent();
    }

    public Owner owner() {
        return owner;
    }

    void owner(Owner other) {
        owner = other;
    }

    public NodeSpec spec() {
        return spec;
    }

    void spec(NodeSpec changed) {
        spec = changed;
        io.readOnly(changed.options().readOnly());
    }

    public boolean isReadOnly() {
        return spec.options().readOnly();
    }

    /** QEMU's name of its driver. */
    public String driver() {
        return spec.driver();
    }

    /** Whether its driver makes a drive of a file's bytes, and isn't the file itself. */
    public boolean isFormat() {
        return switch (spec) {
            case NodeSpec.Raw _, NodeSpec.RawPart _, NodeSpec.Qcow2 _ -> true;
            case NodeSpec.FileNode _, NodeSpec.NullCo _, NodeSpec.Nbd _, NodeSpec.Blkdebug _ -> false;
            case NodeSpec.CopyBeforeWrite _, NodeSpec.SnapshotAccess _ -> false;
        };
    }

    /** Where all writes and reads of guests and jobs go. */
    public NodeIo io() {
        return io;
    }

    /** Its bytes, for whoever doesn't write. */
    public NodeBackend backend() {
        return backend;
    }

    /** The image's own things, when it's a qcow2 image. */
    public Optional<Qcow2Backend> qcow2() {
        return backend.now().undisturbed() instanceof Qcow2Backend image ? Optional.of(image) : Optional.empty();
    }

    public Map<String, Node> children() {
        return Collections.unmodifiableMap(children);
    }

    void child(String role, Node child) {
        Node before = children.put(role, child);
        if (before != null) {
            before.parents.remove(this);
        }
        child.parents.add(this);
    }

    /** Takes a child away from it. */
    void childless(String role) {
        Node child = children.remove(role);
        if (child != null) {
            child.parents.remove(this);
        }
    }

    void leave() {
        children.values().forEach(child -> child.parents.remove(this));
    }

    public Optional<Node> backing() {
        return Optional.ofNullable(children.get(BACKING));
    }

    /** What it's only a filter over, or else what shows through it. */
    public Optional<Node> filteredOrBacking() {
        return switch (spec) {
            case NodeSpec.Blkdebug _ -> Optional.ofNullable(children.get(IMAGE));
            case NodeSpec.CopyBeforeWrite _ -> Optional.ofNullable(children.get(FILE));
            case NodeSpec.SnapshotAccess _ -> Optional.empty();
            case NodeSpec.Raw _, NodeSpec.RawPart _, NodeSpec.Qcow2 _ -> backing();
            case NodeSpec.FileNode _, NodeSpec.NullCo _, NodeSpec.Nbd _ -> backing();
        };
    }

    public List<Node> parents() {
        return List.copyOf(parents);
    }

    /** Who uses it just now. */
    public List<NodeUse> uses() {
        return List.copyOf(uses);
    }

    void begin(NodeUse use) {
        uses.add(use);
    }

    void end(NodeUse use) {
        uses.remove(use);
    }

    /** Under which name the agent tracks it; empty while it has no bitmap and is no backup's source. */
    public Optional<DriveId> drive() {
        return drive;
    }

    void drive(DriveId tracked) {
        drive = Optional.of(tracked);
    }

    /** What QMP calls its {@code file}: the name of the file at the bottom, or what tells as much. */
    public String filename() {
        return switch (spec) {
            case NodeSpec.FileNode file -> file.filename();
            case NodeSpec.NullCo _ -> "null-co://";
            case NodeSpec.RawPart part -> "json:" + described(part);
            case NodeSpec.Nbd nbd -> nbd.uri();
            case NodeSpec.Raw _,
                    NodeSpec.Qcow2 _,
                    NodeSpec.Blkdebug _,
                    NodeSpec.CopyBeforeWrite _,
                    NodeSpec.SnapshotAccess _ ->
                children.values().iterator().next().filename();
        };
    }

    private String described(NodeSpec.RawPart part) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("driver", part.driver());
        part.sizeBytes().ifPresent(bytes -> json.put("size", bytes));
        json.put("offset", part.offsetBytes());
        Node below = Objects.requireNonNull(children.get(FILE));
        json.putObject("file").put("driver", below.driver()).put("filename", below.filename());
        return json.toString();
    }

    /** The file at the bottom; empty when there is none. */
    public Optional<Path> path() {
        return switch (spec) {
            case NodeSpec.FileNode file -> Optional.of(Path.of(file.filename()));
            case NodeSpec.NullCo _, NodeSpec.Nbd _ -> Optional.empty();
            // Nobody may take the whole file for it; the file's own node tells where it is.
            case NodeSpec.RawPart _ -> Optional.empty();
            case NodeSpec.Raw _,
                    NodeSpec.Qcow2 _,
                    NodeSpec.Blkdebug _,
                    NodeSpec.CopyBeforeWrite _,
                    NodeSpec.SnapshotAccess _ ->
                children.values().iterator().next().path();
        };
    }
}
