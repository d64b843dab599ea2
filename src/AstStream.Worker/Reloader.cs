using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Telemetry;

namespace AstStream.Worker;

/// <summary>
/// Takes over an edited pipeline definition while it runs: on SIGHUP, and, unless asked not to, when the file has changed.
/// </summary>
internal sealed class Reloader(PipelineRun run, string file, string[] settings, RunReport report, SemaphoreSlim asked) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _over = new(); // the run has ended
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    /// <summary>Reloads until the run has ended.</summary>
    public async Task RunAsync(bool watch, CancellationToken ended)
    {
        var seen = Stamp();
        await using var over = ended.Register(_over.Cancel);
        try
        {
            while (true)
            {
                var isAsked = await asked.WaitAsync(watch ? s_interval : Timeout.InfiniteTimeSpan, ended).ConfigureAwait(false);
                var stamp = Stamp();
                if (!isAsked && (stamp == seen || stamp == default))
                    continue;

                // An editor may be writing still: what is taken over has not changed since the last look.
                if (!isAsked)
                {
                    await Task.Delay(s_interval / 5, ended).ConfigureAwait(false);
                    if (Stamp() != stamp)
                        continue;
                }

                seen = stamp;
                await ReloadAsync(isAsked).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The run has ended.
        }
    }

    /// <summary>
    /// Reloads now; returns null, or what is wrong with the definition. Once begun it goes on until it is done or the run has ended, also
    /// where nobody waits for it: half of a change would be worse than none.
    /// </summary>
    /// <param name="isAsked">Whether somebody wants to hear that nothing has changed.</param>
    public async Task<string?> ReloadAsync(bool isAsked)
    {
        var ended = _over.Token;
        await _turn.WaitAsync(ended).ConfigureAwait(false);
        try
        {
            var changes = await run.ReloadAsync(settings, ended).ConfigureAwait(false);
            if (changes.Length > 0 || isAsked)
                report.Reloaded(file, changes.Length > 0 ? changes : "nothing has changed");
            return null;
        }
        catch (InvalidPipelineException e)
        {
            foreach (var problem in e.Problems)
                report.ReloadRefused(problem.ToString());
            return string.Join("; ", e.Problems);
        }
        catch (Exception e) when (e is InvalidOperationException || ended.IsCancellationRequested)
        {
            // Nodes that end take no more of anything.
            const string why = "the run is ending; the edit is not taken over";
            report.Note(file, why);
            return why;
        }
        catch (Exception e)
        {
            report.ReloadRefused($"{file}: {e.Message}");
            return e.Message;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        _turn.Dispose();
        _over.Dispose();
    }

    /// <summary>What tells an edited file from the one before. A file that is away (an editor replaces it) is not looked at.</summary>
    private (DateTime Written, long Length) Stamp()
    {
        try
        {
            var info = new FileInfo(file);
            var target = info.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? info;
            return target.Exists ? (target.LastWriteTimeUtc, target.Length) : default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }
}
