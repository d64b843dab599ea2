namespace AstStream.Streaming.Definitions;

/// <summary>A kind of things that components need.</summary>
public enum ResourceKind
{
    /// <summary>There is one in the process: standard input, the console. One component has it.</summary>
    Single,

    /// <summary>A file that is read. Sources share it; no sink writes to it.</summary>
    FileToRead,

    /// <summary>A file that is written. One sink has it.</summary>
    FileToWrite,

    /// <summary>A name that tells one component from others outside, as in a consumer group. One component has it.</summary>
    Member,
}
