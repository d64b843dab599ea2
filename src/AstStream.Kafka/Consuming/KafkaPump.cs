using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Kafka.Blocks;
using AstStream.Kafka.Cluster;
using AstStream.Kafka.Transactions;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;

namespace AstStream.Kafka.Consuming;

/// <summary>Passes records to the graph, one at a time: puts them in order, and lets streams rest of which nothing comes.</summary>
internal sealed class KafkaPump(KafkaSourceOptions options, SourceOutput output, ConcurrentDictionary<PartitionLease, bool> ended)
{
    private const int MostOfHeaders = 20_000; // bytes
    private const int MostCarried = 4096; // bytes of headers that events carry
    private const double BackwardsFrom = 10; // seconds

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_leastSilence = TimeSpan.FromSeconds(2); // devices' clocks differ: what sounds is not idle

    private readonly HashSet<PartitionLease> _leases = []; // that have streams in the graph, or had
    private readonly TimeProvider _time = TimeProvider.System;
    private bool _hasReportedCarried;

    /// <summary>Runs until it is asked to stop. A null only wakes it, as from time to time somebody must.</summary>
    public async Task RunAsync(ChannelReader<IngestRecord?> records, Action<IngestRecord> taken, CancellationToken stop)
    {
        var looked = _time.GetTimestamp();
        while (await records.WaitToReadAsync(stop).ConfigureAwait(false))
        {
            while (records.TryRead(out var record))
            {
                stop.ThrowIfCancellationRequested();
                if (record is not null)
                    await TakeAsync(record, taken, stop).ConfigureAwait(false);
                if (!ended.IsEmpty)
                    await LeaveAsync(stop).ConfigureAwait(false);
                if (_time.GetElapsedTime(looked) < s_interval)
                    continue;
                looked = _time.GetTimestamp();
                await RestAsync(stop).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Takes the streams out of the graph whose partitions are somebody else's.</summary>
    public async ValueTask LeaveAsync(CancellationToken cancellation)
    {
        foreach (var lease in ended.Keys)
        {
            ended.TryRemove(lease, out _);
            _leases.Remove(lease);
            foreach (var stream in lease.Streams)
                await stream.LeaveAsync(output, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Takes a record. Whatever it is, its offset is taken with it.</summary>
    internal async ValueTask AcceptAsync(IngestRecord record, CancellationToken cancellation)
    {
        var lease = record.Lease;
        if (lease.IsEnded)
            return;
        _leases.Add(lease);
        KafkaMetrics.RecordTaken(lease.Partition.Topic);
        try
        {
            if (record.Value.IsNull)
                await EndAsync(record, cancellation).ConfigureAwait(false);
            else
                await TakeBlockAsync(record, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is InvalidBlockException or ArgumentException or OverflowException)
        {
            var where = string.Create(
                CultureInfo.InvariantCulture,
                $"{lease.Partition.Topic}, partition {lease.Partition.Partition.Value}, offset {record.Offset}, stream "
                    + $"{Printable.Text(record.Key)}");
            output.Warn($"{where}: {e.Message}; the record goes to {LetterTopic(lease)}, the stream goes on");
            KafkaMetrics.Rejected(lease.Partition.Topic);
            lease.Reject(record.Offset, () => Letter(record, e.Message));
        }
    }

    private async ValueTask TakeAsync(IngestRecord record, Action<IngestRecord> taken, CancellationToken stop)
    {
        try
        {
            await AcceptAsync(record, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (record.Lease.IsEnded && !stop.IsCancellationRequested)
        {
            // Its partition went away meanwhile.
        }
        finally
        {
            taken(record);
            record.Return();
        }
    }

    private async ValueTask TakeBlockAsync(IngestRecord record, CancellationToken cancellation)
    {
        var lease = record.Lease;
        if (lease.Find(record.Key)?.IsDone(record.Offset) == true)
        {
            lease.Advance(record.Offset);
            return;
        }

        if (record.Value.Problem is { } problem)
            throw new InvalidBlockException(problem);
        var block = record.Value.Format;
        var rate = block.Format.SampleRate;
        var frames = record.Value.Sound!.Samples.Length;
        var stream = lease.StreamOf(record.Key);
        if (stream.IsPast(block.Session))
        {
            lease.Advance(record.Offset);
            return;
        }

        if (stream.HasBegun && (stream.EndOffset is not null || stream.Session != block.Session))
        {
            if (stream.IsWaiting)
                stream.Open(output.Source, options.Otherwise, 0, default); // what is not decided of the former session
            await stream.EndAsync(output, cancellation).ConfigureAwait(false);
            stream.BeginAnew();
        }

        stream.LastRecord = _time.GetTimestamp();
        stream.LastWritten = record.Written;
        lease.LastWritten = record.Written > lease.LastWritten ? record.Written : lease.LastWritten;
        var isNew = stream.Info is null;
        var first = block.FirstSample ?? stream.Order.NextSample(rate);
        var captured = new DateTimeOffset(record.Written, TimeSpan.Zero) - TimeSpan.FromSeconds((double)frames / rate);
        var info = stream.Open(output.Source, block, first, captured);
        var isKnown = stream.Order.Knows(first, frames, rate, isNew);
        stream.Order.Received(first, frames, rate);
        if (isKnown)
        {
            lease.Advance(record.Offset);
            var behind = stream.Order.Behind(first, rate);
            if (behind > BackwardsFrom && !stream.HasReportedBackwards)
            {
                stream.HasReportedBackwards = true;
                output.Warn(string.Create(
                    CultureInfo.InvariantCulture,
                    $"stream {Printable.Text(stream.Id)}: at offset {record.Offset} of {Place(lease)} its sample index runs backwards "
                        + $"by {behind:0} s, to {first}: what was heard before is left out; a device that starts over sends another "
                        + $"'{BlockFormat.SessionHeader}' header"));
            }

            return;
        }

        stream.Hold(record.Offset, first, frames, rate, Carried(record));
        await stream.Order.WriteAsync(info, record.Take(info, first), options.Reorder, output, cancellation).ConfigureAwait(false);
    }

    private static string Place(PartitionLease lease) => $"{lease.Partition.Topic}/{lease.Partition.Partition.Value}";

    /// <summary>What goes on with events; nothing of a record that carries too much.</summary>
    private CarriedHeader[] Carried(IngestRecord record)
    {
        List<CarriedHeader>? carried = null;
        var room = MostCarried;
        foreach (var name in options.CarriedHeaders)
        {
            if (!record.Headers.TryGetLastBytes(name, out var value) || value is null)
                continue;
            room -= value.Length;
            (carried ??= []).Add(new CarriedHeader(name, value));
        }

        if (room >= 0)
            return carried?.ToArray() ?? [];
        if (!_hasReportedCarried)
        {
            _hasReportedCarried = true;
            output.Warn(
                $"stream {Printable.Text(record.Key)}: offset {record.Offset} of {Place(record.Lease)} has {MostCarried - room} bytes "
                    + $"in the headers that events carry; expected at most {MostCarried}: its events carry none");
        }

        return [];
    }

    /// <summary>A record without a value ends its stream.</summary>
    private async ValueTask EndAsync(IngestRecord record, CancellationToken cancellation)
    {
        if (record.Lease.Find(record.Key) is not { HasBegun: true } stream || stream.IsDone(record.Offset))
        {
            record.Lease.Advance(record.Offset);
            return;
        }

        if (stream.IsWaiting)
            stream.Open(output.Source, options.Otherwise, 0, record.Written);
        stream.HoldEnd(record.Offset);
        await stream.EndAsync(output, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Streams of which nothing came for long: their events end, and their records are not needed any more. After much longer they are
    /// forgotten.
    /// </summary>
    private async ValueTask RestAsync(CancellationToken cancellation)
    {
        foreach (var lease in _leases.Where(l => !l.IsEnded).ToList())
        {
            var idle = new List<KafkaStream>();
            foreach (var stream in lease.Streams)
            {
                if (stream.LastRecord == 0)
                    stream.LastRecord = _time.GetTimestamp(); // another worker's; from here on it is waited for
                var silence = _time.GetElapsedTime(stream.LastRecord);
                if (stream.Info is null && !stream.IsWaiting)
                {
                    if (silence > options.ForgetAfter)
                        lease.Forget(stream);
                }
                else if (silence > options.IdleTimeout
                    || (silence > s_leastSilence && stream.LastWritten != default
                        && lease.LastWritten - stream.LastWritten > options.IdleTimeout))
                {
                    idle.Add(stream);
                }
            }

            try
            {
                await Task.WhenAll(idle.Select(s => RestAsync(s, cancellation))).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (lease.IsEnded)
            {
                // Somebody else goes on with them.
            }
        }
    }

    private async Task RestAsync(KafkaStream stream, CancellationToken cancellation)
    {
        stream.Open(output.Source, options.Otherwise, 0, default);
        await stream.EndAsync(output, cancellation).ConfigureAwait(false);
    }

    private string LetterTopic(PartitionLease lease) => options.LetterTopic(lease.Partition.Topic);

    private Outgoing Letter(IngestRecord record, string reason)
    {
        // What was decoded is written as it was decoded.
        var value = record.Value;
        var isDecoded = value.Kept is null;
        var bytes = value.Kept
            ?? MemoryMarshal.AsBytes(value.Sound!.Samples[..Math.Min(value.Sound.Samples.Length, BlockValue.MostKept / sizeof(float))])
            .ToArray();
        var partition = record.Lease.Partition;
        var headers = isDecoded
            ? (value.Format with
            {
                Encoding = BlockEncoding.Raw,
                Format = new PcmFormat(PcmEncoding.F32, value.Format.Format.SampleRate, 1)
            }).ToHeaders() : [];
        var room = MostOfHeaders; // a letter must not be too large for the topic
        foreach (var header in record.Headers.Where(h => !headers.TryGetLastBytes(h.Key, out _)).ToList())
        {
            var content = header.GetValueBytes() ?? [];
            room -= header.Key.Length + content.Length;
            if (room >= 0)
                headers.Add(header.Key, content);
        }

        void Add(string name, string text) => headers.Add(name, System.Text.Encoding.UTF8.GetBytes(text));
        Add(DeadLetterHeaders.Error, reason);
        Add(DeadLetterHeaders.Topic, partition.Topic);
        Add(DeadLetterHeaders.Partition, partition.Partition.Value.ToString(CultureInfo.InvariantCulture));
        Add(DeadLetterHeaders.Offset, record.Offset.ToString(CultureInfo.InvariantCulture));
        if (isDecoded ? value.Sound!.Samples.Length > BlockValue.MostKept / sizeof(float) : value.Length > BlockValue.MostKept)
            Add(DeadLetterHeaders.Length, value.Length.ToString(CultureInfo.InvariantCulture));
        return new Outgoing(
            LetterTopic(record.Lease), null,
            new Message<byte[], byte[]?> { Key = System.Text.Encoding.UTF8.GetBytes(record.Key), Value = bytes, Headers = headers });
    }
}
