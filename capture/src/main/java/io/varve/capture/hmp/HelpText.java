package io.varve.capture.hmp;

import java.util.List;
import java.util.Optional;

/** What {@code help} says of the commands that are there, in the words of QEMU 7.2 (hmp-commands.hx). */
final class HelpText {
    private static final String DEEP = "\n\t\t\t";

    private static final List<Entry> COMMANDS = List.of(
            new Entry(
                    "block_job_cancel",
                    "[-f] device",
                    "stop an active background block operation (use -f" + DEEP
                            + " if you want to abort the operation immediately" + DEEP
                            + " instead of keep running until data is in sync)"),
            new Entry("block_job_complete", "device", "stop an active background block operation"),
            new Entry("block_job_pause", "device", "pause an active background block operation"),
            new Entry("block_job_resume", "device", "resume a paused background block operation"),
            new Entry("block_job_set_speed", "device speed", "set maximum speed for a background block operation"),
            new Entry("block_resize", "device size", "resize a block image"),
            new Entry(
                    "drive_backup",
                    "[-n] [-f] [-c] device target [format]",
                    "initiates a point-in-time" + DEEP
                            + "copy for a device. The device's contents are" + DEEP
                            + "copied to the new image file, excluding data that" + DEEP
                            + "is written after the command is started." + DEEP
                            + "The -n flag requests QEMU to reuse the image found" + DEEP
                            + "in new-image-file, instead of recreating it from scratch." + DEEP
                            + "The -f flag requests QEMU to copy the whole disk," + DEEP
                            + "so that the result does not need a backing file." + DEEP
                            + "The -c flag requests QEMU to compress backup data" + DEEP
                            + "(if the target format supports it)." + DEEP),
            new Entry("drive_del", "device", "remove host block device"),
            new Entry("eject", "[-f] device", "eject a removable medium (use -f to force it)"),
            new Entry("help|?", "[cmd]", "show the help"),
            new Entry("info", "[subcommand]", "show various information about the system state"),
            // QEMU repeats the name here.
            new Entry("nbd_server_stop", "nbd_server_stop", "stop serving block devices using the NBD protocol"),
            new Entry(
                    "qemu-io",
                    "[-d] [device] \"[command]\"",
                    "run a qemu-io command on a block device" + DEEP
                            + "-d: [device] is a device ID rather than a drive ID or node name"));

    private static final List<Entry> INFO = List.of(
            new Entry(
                    "block",
                    "[-n] [-v] [device]",
                    "show info of one block device or all block devices" + " (-n: show named nodes; -v: show details)"),
            new Entry("block-jobs", "", "show progress of ongoing block device operations"),
            new Entry("blockstats", "", "show block device statistics"),
            new Entry("name", "", "show the current VM name"),
            new Entry("status", "", "show the current VM status (running|paused)"),
            new Entry("version", "", "show the version of QEMU"));

    private record Entry(String names, String parameters, String text) {
        boolean isNamed(String name) {
            return List.of(names.split("\\|")).contains(name);
        }

        String line(String before) {
            return (before + names + " " + parameters + " -- " + text + "\n").replace("\n", "\r\n");
        }
    }

    private HelpText() {}

    /** Of all commands, or of the named one; empty when there's none of that name. */
    static Optional<String> of(List<String> command) {
        if (command.isEmpty()) {
            return Optional.of(all(COMMANDS, ""));
        }
        boolean isInfo = command.getFirst().equals("info");
        if (isInfo && command.size() == 1) {
            return Optional.of(ofInfo());
        }
        return (isInfo ? INFO : COMMANDS)
                .stream()
                        .filter(entry -> entry.isNamed(command.getLast()))
                        .filter(_ -> command.size() == (isInfo ? 2 : 1))
                        .map(entry -> entry.line(isInfo ? "info " : ""))
                        .findFirst();
    }

    /** Of all that {@code info} can show. */
    static String ofInfo() {
        return all(INFO, "info ");
    }

    private static String all(List<Entry> entries, String before) {
        StringBuilder text = new StringBuilder();
        entries.forEach(entry -> text.append(entry.line(before)));
        return text.toString();
    }
}
