namespace AstStream.Learning.Evaluation;

/// <summary>The bytes that all tapes of a trial may take together.</summary>
internal sealed class TapeBudget(long most)
{
    private long _taken;

    /// <summary>Whether more was asked for than there is.</summary>
    public bool IsOver => Interlocked.Read(ref _taken) > most;

    /// <summary>Takes some; false where they are used up.</summary>
    public bool Take(long bytes) => Interlocked.Add(ref _taken, bytes) <= most;
}
