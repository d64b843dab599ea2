using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using AstStream.Dsp;
using AstStream.Streaming;
using Confluent.Kafka;

namespace AstStream.Connectors.Kafka;

/// <summary>Passes records to the graph, one at a time: decodes them, puts them in order, and lets streams rest of which nothing comes.</summary>
internal sealed class KafkaPump(KafkaSourceOptions options, SourceOutput output, ConcurrentDictionary<PartitionLease, bool> ended)
{
    private const int MostOfALetter = 500_000; // bytes of a record that goes to those that can't be used
    private const int MostOfHeaders = 20_000; // bytes
    private const double BackwardsFrom = 10; // seconds

    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    private readonly Dictionary<PcmFormat, PcmDecoder> _decoders = [];
    private readonly HashSet<PartitionLease> _leases = []; // that have streams in the graph, or had
    private readonly TimeProvider _time = TimeProvider.System;

    /// <summary>Runs until it is asked to stop.</summary>
    public async Task RunAsync(ChannelReader<IngestRecord> records, Action<IngestRecord> taken, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(s_look);
        var tick = timer.WaitForNextTickAsync(stop).AsTask();
        var more = Task.FromResult(true);
        while (true)
        {
            while (records.TryRead(out var record))
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
                    record.Value.Return();
                }

                if (!ended.IsEmpty)
                    await LeaveAsync(stop).ConfigureAwait(false);
            }

            if (tick.IsCompleted)
            {
                tick = timer.WaitForNextTickAsync(stop).AsTask();
                await LeaveAsync(stop).ConfigureAwait(false);
                await RestAsync(stop).ConfigureAwait(false);
            }

            if (!records.TryPeek(out _))
            {
                if (more.IsCompleted)
                    more = records.WaitToReadAsync(stop).AsTask();
                await Task.WhenAny(more, tick).ConfigureAwait(false);
            }

            stop.ThrowIfCancellationRequested();
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
        try
        {
            if (record.Value.Array is null)
                await EndAsync(record, cancellation).ConfigureAwait(false);
            else
                await TakeAsync(record, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is InvalidBlockException or InvalidAudioException or ArgumentException or OverflowException)
        {
            var where = string.Create(CultureInfo.InvariantCulture, $"{lease.Partition.Topic}, partition {lease.Partition.Partition.Value}, offset {record.Offset}, stream {Printable.Text(record.Key)}");
            output.Warn($"{where}: {e.Message}; the record goes to {LetterTopic(lease)}, the stream goes on");
            lease.Reject(record.Offset, () => Letter(record, e.Message));
        }
    }

    private async ValueTask TakeAsync(IngestRecord record, CancellationToken cancellation)
    {
        var lease = record.Lease;
        if (lease.Find(record.Key)?.IsDone(record.Offset) == true)
        {
            lease.Took(record.Offset);
            return;
        }

        if (record.Value.Length > options.MaxRecord)
            throw new InvalidBlockException($"a record of {record.Value.Length} bytes; expected at most {options.MaxRecord}, which max_record sets");
        var block = BlockFormat.Read(record.Headers, options.Otherwise);
        float[]? wav = null;
        if (block.Encoding == BlockEncoding.Wav)
            block = block with { Format = ReadWav(record.Value, out wav) };
        var format = block.Format;
        if (record.Value.Length == 0)
            throw new InvalidBlockException("a record of 0 bytes; a stream ends with a record whose value is null");
        if (wav is null && record.Value.Length % format.BytesPerFrame != 0)
            throw new InvalidBlockException($"{record.Value.Length} bytes; expected a multiple of {format.BytesPerFrame}, the samples of {format.Channels} channels");
        if (wav is null)
            format.Validate("the record", options.Channel);
        var frames = wav?.Length ?? (record.Value.Length / format.BytesPerFrame);
        var stream = lease.StreamOf(record.Key);
        if (stream.IsPast(block.Session))
        {
            lease.Took(record.Offset);
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
        var first = block.FirstSample ?? stream.NextSample(format.SampleRate);
        var captured = new DateTimeOffset(record.Written, TimeSpan.Zero) - TimeSpan.FromSeconds((double)frames / format.SampleRate);
        var info = stream.Open(output.Source, block, first, captured);
        var isKnown = stream.Knows(first, frames, format.SampleRate, isNew);
        stream.Came(first, frames, format.SampleRate);
        if (isKnown)
        {
            lease.Took(record.Offset);
            var behind = stream.Behind(first, format.SampleRate);
            if (behind > BackwardsFrom && !stream.HasToldBackwards)
            {
                stream.HasToldBackwards = true;
                output.Warn(string.Create(CultureInfo.InvariantCulture, $"stream {Printable.Text(stream.Id)}: at offset {record.Offset} of {lease.Partition} its sample index runs backwards by {behind:0} s, to {first}: what was heard before is left out; a device that begins anew sends another '{BlockFormat.SessionHeader}' header"));
            }

            return;
        }

        var samples = AudioBlock.Rent(info, first, format.SampleRate, frames);
        if (wav is not null)
            wav.CopyTo(samples.Samples);
        else
            DecoderOf(format).Decode(LittleEndian(record.Value.Span, block.Encoding), samples.Samples);
        stream.Keep(record.Offset, first, frames, format.SampleRate);
        await stream.WriteAsync(samples, options.Reorder, output, cancellation).ConfigureAwait(false);
    }

    /// <summary>A record without a value ends its stream.</summary>
    private async ValueTask EndAsync(IngestRecord record, CancellationToken cancellation)
    {
        if (record.Lease.Find(record.Key) is not { HasBegun: true } stream || stream.IsDone(record.Offset))
        {
            record.Lease.Took(record.Offset);
            return;
        }

        if (stream.IsWaiting)
            stream.Open(output.Source, options.Otherwise, 0, record.Written);
        stream.KeepEnd(record.Offset);
        await stream.EndAsync(output, cancellation).ConfigureAwait(false);
    }

    /// <summary>Streams of which nothing came for long: their events end, and their records are not needed any more.</summary>
    private async ValueTask RestAsync(CancellationToken cancellation)
    {
        foreach (var lease in _leases.Where(l => !l.IsEnded).ToList())
        {
            foreach (var stream in lease.Streams)
            {
                if (stream.LastRecord == 0)
                    stream.LastRecord = _time.GetTimestamp(); // another worker's; from here on it is waited for
                if ((_time.GetElapsedTime(stream.LastRecord) < options.IdleTimeout && !(stream.LastWritten != default && lease.LastWritten - stream.LastWritten > options.IdleTimeout)) || (stream.Info is null && !stream.IsWaiting))
                    continue;
                try
                {
                    stream.Open(output.Source, options.Otherwise, 0, default);
                    await stream.EndAsync(output, cancellation).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (lease.IsEnded)
                {
                    break;
                }
            }
        }
    }

    private PcmDecoder DecoderOf(PcmFormat format)
    {
        if (_decoders.TryGetValue(format, out var decoder))
            return decoder;
        if (_decoders.Count > 64)
            _decoders.Clear();
        return _decoders[format] = new PcmDecoder(format, options.Channel);
    }

    private PcmFormat ReadWav(PooledBytes value, out float[] samples)
    {
        using var wav = new WavReader(new MemoryStream(value.Array!, 0, value.Length), "the record", options.Channel);
        samples = new float[(int)Math.Min(wav.NumSamples ?? 0, value.Length)];
        var read = wav.Read(samples);
        if (wav.Truncation is { } truncation)
            throw new InvalidBlockException(truncation);
        if (read == 0)
            throw new InvalidBlockException("a WAV file without a sample");
        samples = samples[..read];
        return wav.Format;
    }

    /// <summary>The samples in the order of bytes that they are decoded from; a value is decoded once.</summary>
    private static Span<byte> LittleEndian(Span<byte> bytes, BlockEncoding encoding)
    {
        if (encoding == BlockEncoding.L16)
        {
            var words = MemoryMarshal.Cast<byte, short>(bytes);
            BinaryPrimitives.ReverseEndianness(words, words);
        }

        return bytes;
    }

    private string LetterTopic(PartitionLease lease) => options.LetterTopic(lease.Partition.Topic);

    private Outgoing Letter(IngestRecord record, string reason)
    {
        var value = record.Value.Span;
        var partition = record.Lease.Partition;
        var headers = new Headers();
        var room = MostOfHeaders; // a letter must not be too large for the topic
        foreach (var header in record.Headers)
        {
            var bytes = header.GetValueBytes() ?? [];
            room -= header.Key.Length + bytes.Length;
            if (room >= 0)
                headers.Add(header.Key, bytes);
        }

        void Say(string name, string text) => headers.Add(name, System.Text.Encoding.UTF8.GetBytes(text));
        Say("error", reason);
        Say("source_topic", partition.Topic);
        Say("source_partition", partition.Partition.Value.ToString(CultureInfo.InvariantCulture));
        Say("source_offset", record.Offset.ToString(CultureInfo.InvariantCulture));
        if (value.Length > MostOfALetter)
            Say("source_length", value.Length.ToString(CultureInfo.InvariantCulture));
        return new Outgoing(LetterTopic(record.Lease), null, new Message<byte[], byte[]?>
        {
            Key = System.Text.Encoding.UTF8.GetBytes(record.Key),
            Value = value[..Math.Min(value.Length, MostOfALetter)].ToArray(),
            Headers = headers,
        });
    }
}
