namespace AstStream.Worker;

/// <summary>What the process returns.</summary>
internal static class ExitCode
{
    /// <summary>All was done.</summary>
    public const int Ok = 0;

    /// <summary>The run failed: a sink could not write all of its records, the model could not run.</summary>
    public const int Failed = 1;

    /// <summary>The command line, a pipeline definition or a checkpoint is wrong; nothing was run.</summary>
    public const int Invalid = 2;

    /// <summary>Some inputs could not be read; the others were done.</summary>
    public const int InputsFailed = 3;

    /// <summary>A call of a library hung, and the process ended itself: whoever supervises it starts it again.</summary>
    public const int Hung = 4;

    /// <summary>Stopped without draining.</summary>
    public const int Stopped = 130;

    public const string Help = """
        Exit codes: 0 all was done; 1 the run failed; 2 the command line, a pipeline or a checkpoint is wrong, nothing was run;
        3 some inputs could not be read, the others were done; 4 something hung, to be started again; 130 stopped without draining.
        """;
}
