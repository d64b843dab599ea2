using System.Diagnostics;
using AstStream.Model.Checkpoints;

namespace AstStream.Model.Runtime;

/// <summary>
/// What is run of a session before its first window: every batch size of every slot, on the sound of the parity check. A wrong kernel, a
/// wrong graph, damaged weights or a precision that a model can't bear shows here; CUDA graphs are captured here, and here alone.
/// </summary>
internal static class SessionStart
{
    private const int MostOnCpu = 8; // windows; on a CPU a window's kernels do not depend on the batch
    private const int MostBesideOthers = 2; // so that no run holds these up for long
    private const int Replays = 4; // of a CUDA graph: what is replayed counts
    private static readonly double s_short = 0.05; // seconds; so short a run is timed twice

    /// <summary>Runs it, and returns how the logits are off the reference; null where they are not, or nothing was compared.</summary>
    public static string? Run(AstSession session, AstCheckpoint checkpoint, SessionPlan plan, List<string> warnings)
    {
        var compares = plan.Options.Parity != ParityMode.Off;
        if (!compares && !session.IsOnGpu)
            return null;
        var check = compares ? new ParityCheck(session, checkpoint, plan.Options, warnings) : null;

        // On a GPU the largest first: what it needs of the device's memory is enough for the others.
        var isGentle = plan.Options.StartsGently && !session.IsOnGpu;
        var sizes = session.IsOnGpu ? session.BatchSizes.Reverse()
            : session.BatchSizes.Where(s => s <= (isGentle ? MostBesideOthers : MostOnCpu));
        using var never = new ManualResetEvent(false);
        for (var slot = 0; slot < (session.IsOnGpu ? session.Slots : 1); slot++)
        {
            foreach (var size in sizes)
            {
                for (var row = 0; row < size; row++)
                    check?.Fill(session.Input(row, slot), row);
                for (var run = 0; run < (session.IsOnGpu ? 1 + Replays : 2); run++)
                {
                    var start = Stopwatch.GetTimestamp();
                    session.RunUnguarded(size, slot);
                    var took = Stopwatch.GetElapsedTime(start).TotalSeconds;
                    if (!session.IsOnGpu || run > 0)
                        session.AddTime(size, took);
                    if (isGentle)
                        never.WaitOne(TimeSpan.FromSeconds(took));
                    if (!session.IsOnGpu && took > s_short)
                        break;
                }

                check?.Compare(size, slot);
            }
        }

        session.EndStart(plan.ChoosesSizes);
        if (check is null)
            return null;
        session.ParityError = check.LargestError;
        return check.Verdict();
    }
}
