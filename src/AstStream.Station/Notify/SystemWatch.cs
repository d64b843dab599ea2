using AstStream.Events;
using AstStream.Streaming.Telemetry;

namespace AstStream.Station.Notify;

/// <summary>Watches what one rule about the system names. For one thread at a time.</summary>
/// <param name="rule">The rule.</param>
/// <param name="disk">A folder of the disk that is watched.</param>
/// <param name="time">The clock.</param>
internal sealed class SystemWatch(SystemRule rule, string disk, TimeProvider time)
{
    private static readonly TimeSpan s_span = TimeSpan.FromMinutes(5); // that lost sound is counted over
    private static readonly TimeSpan s_again = TimeSpan.FromHours(1); // before the same is said once more

    private readonly Dictionary<string, DateTimeOffset> _away = new(StringComparer.Ordinal); // streams that were reported
    private readonly Dictionary<string, Queue<(long At, double Seconds)>> _lost = new(StringComparer.Ordinal); // by model
    private readonly Dictionary<string, long> _lostTold = new(StringComparer.Ordinal);
    private long? _lowTold;

    /// <summary>What has changed since the last look.</summary>
    /// <param name="report">The run.</param>
    public IReadOnlyList<SystemFault> Look(RunReport report)
    {
        var (faults, now) = (new List<SystemFault>(), time.GetUtcNow());
        foreach (var condition in rule.Conditions)
        {
            if (condition == SystemCondition.StreamAway)
                LookAtStreams(report, now, faults);
            else if (condition == SystemCondition.WindowsLost)
                LookAtLosses(report, now, faults);
            else
                LookAtDisk(now, faults);
        }

        return faults;
    }

    private void LookAtStreams(RunReport report, DateTimeOffset now, List<SystemFault> faults)
    {
        var watched = new HashSet<string>(StringComparer.Ordinal);
        foreach (var health in report.Health)
        {
            watched.Add(health.Stream);
            var since = TimeSpan.FromSeconds(health.SinceLastBlock);
            if (health.State is SourceState.Away or SourceState.Stalled or SourceState.Failed)
            {
                if (since < rule.AwayFor || !_away.TryAdd(health.Stream, now - since))
                    continue;
                var how = health.State switch
                {
                    SourceState.Stalled => "is open and gives nothing",
                    SourceState.Failed => "has failed",
                    _ => "is away and looked for",
                };
                faults.Add(new SystemFault(
                    "stream_away", health.Stream, $"{health.Stream} is not heard",
                    $"It {how}; its last sound came {since.TotalMinutes:0} min ago.", now));
            }
            else if (health.State is SourceState.Running or SourceState.Silent && _away.Remove(health.Stream, out var last))
            {
                faults.Add(new SystemFault(
                    "stream_back", health.Stream, $"{health.Stream} is heard again", $"It was away for {(now - last).TotalMinutes:0} min.",
                    now));
            }
        }

        foreach (var gone in _away.Keys.Where(s => !watched.Contains(s)).ToList())
            _away.Remove(gone);
    }

    private void LookAtLosses(RunReport report, DateTimeOffset now, List<SystemFault> faults)
    {
        foreach (var (model, totals) in report.CoverageByModel)
        {
            // What a source did not give is another condition; the rest of a stream that is shorter than a window is no loss.
            var samples = Enum.GetValues<LossReason>()
                .Where(r => r is not (LossReason.DeviceAway or LossReason.Stalled or LossReason.TooShort)).Sum(totals.LostTo);
            if (!_lost.TryGetValue(model, out var history))
                _lost[model] = history = new Queue<(long, double)>();
            var (stamp, seconds) = (time.GetTimestamp(), ModelTime.Seconds(samples));
            history.Enqueue((stamp, seconds));
            while (time.GetElapsedTime(history.Peek().At, stamp) > s_span)
                history.Dequeue();
            var lost = seconds - history.Peek().Seconds;
            if (lost < rule.Lost.TotalSeconds || (_lostTold.TryGetValue(model, out var told) && time.GetElapsedTime(told) < s_again))
                continue;
            _lostTold[model] = stamp;
            faults.Add(new SystemFault(
                "windows_lost", model, FormattableString.Invariant($"{lost:0} s of sound were not scored"),
                $"Within five minutes, by {model}; the page's health, or the log, says why. This is said once an hour.", now));
        }
    }

    private void LookAtDisk(DateTimeOffset now, List<SystemFault> faults)
    {
        long free;
        try
        {
            free = new DriveInfo(disk).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return; // the store's own sink tells of a disk that is away
        }

        if (free >= rule.Free)
        {
            if (free > rule.Free + (rule.Free / 10))
                _lowTold = null;
            return;
        }

        if (_lowTold is { } told && time.GetElapsedTime(told) < s_again * 24)
            return;
        _lowTold = time.GetTimestamp();
        faults.Add(new SystemFault(
            "disk_low", disk, "The disk is nearly full",
            FormattableString.Invariant($"{free / 1e9:0.00} GB are free at {disk}; clips go first, then nothing can be kept."), now));
    }
}
