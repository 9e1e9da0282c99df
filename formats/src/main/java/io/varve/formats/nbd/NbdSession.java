package io.varve.formats.nbd;

import java.util.List;

/** What a handshake ended with: the transmission phase begins. */
public record NbdSession(ExportDescription export, ReplyStyle replies, List<NegotiatedContext> contexts) {}
