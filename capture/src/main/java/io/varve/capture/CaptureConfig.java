package io.varve.capture;

import io.varve.capture.tracking.AgentOptions;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What an agent is started with.
 *
 * @param agent where it keeps its things, its limits, and where sinks reach its snapshots
 * @param nbd where guests and sinks connect
 * @param tlsCerts the folder of the certificates by which NBD clients encrypt that come by TCP; empty for no encryption
 * @param qmp where it takes commands
 * @param plan its nodes and disks
 * @param kafka the settings of Kafka's clients, with {@code bootstrap.servers}; empty for an agent without a log, which
 *     keeps what it has to say until it's started with one
 * @param packageName what QMP says that this is, as {@code varve 0.1.0}
 */
public record CaptureConfig(
        AgentOptions agent,
        List<NbdAddress> nbd,
        Optional<Path> tlsCerts,
        List<NbdAddress> qmp,
        GraphPlan plan,
        Optional<Map<String, Object>> kafka,
        String packageName) {
    public CaptureConfig {
        nbd = List.copyOf(nbd);
        qmp = List.copyOf(qmp);
        kafka = kafka.map(Map::copyOf);
        if (nbd.isEmpty()) {
            throw new IllegalArgumentException("no address for NBD; say --nbd unix:PATH or --nbd HOST:PORT");
        }
    }

    /** With drives as the command line names them. */
    public static GraphPlan planOf(List<DriveArgument> drives) {
        if (drives.isEmpty()) {
            throw new IllegalArgumentException("no drive; name at least one as NAME=PATH");
        }
        Set<Object> seen = new HashSet<>();
        for (DriveArgument drive : drives) {
            if (!seen.add(drive.drive())) {
                throw new IllegalArgumentException("drive '" + drive.drive() + "' is named twice");
            }
            // A file's lock says so itself.
            if (drive.format() == DriveArgument.Format.NBD && !seen.add(NbdUri.parse(drive.image()))) {
                throw new IllegalArgumentException("drive '" + drive.drive() + "' has the image " + drive.image()
                        + ", which another drive has; give each an export of its own");
            }
        }
        return new GraphPlan(List.of(), drives.stream().map(DriveArgument::disk).toList(), false);
    }
}
