namespace AstStream.Streaming.Scheduling;

/// <summary>What the policy knows of a session.</summary>
internal interface ISessionLoad
{
    /// <summary>Whether nothing runs.</summary>
    bool IsIdle { get; }

    /// <summary>Whether it takes windows while it runs.</summary>
    bool PreparesAhead { get; }

    /// <summary>Windows that it can still take.</summary>
    int Room { get; }

    /// <summary>Windows that it has taken and not run.</summary>
    int AtHand { get; }

    /// <summary>When what runs was started.</summary>
    long BusySince { get; }
}
