/** A backup as the command line sees it: asked for and followed by QMP. */
@NullMarked
package io.varve.cli.backup;

import org.jspecify.annotations.NullMarked;
