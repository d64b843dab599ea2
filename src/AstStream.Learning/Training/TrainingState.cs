using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AstStream.Learning.Training;

/// <summary>
/// What a training goes on from, in a file that is written aside and moved into place: what is cut off or damaged is never taken for a
/// state.
/// </summary>
internal sealed record TrainingState
{
    private const string Magic = "AstStream training 2\n";

    private static readonly byte[] s_magic = Encoding.ASCII.GetBytes(Magic);

    private static readonly JsonSerializerOptions s_json = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>What the training is of: a state of another one does not fit.</summary>
    public required IReadOnlyDictionary<string, string> Of { get; init; }

    /// <summary>Steps that were tried.</summary>
    public long Step { get; init; }

    /// <summary>Steps that were taken.</summary>
    public long Updates { get; init; }

    /// <summary>How often the rate was halved.</summary>
    public int Halvings { get; init; }

    /// <summary>The sum of the losses of the epoch so far.</summary>
    public double LossSum { get; init; }

    /// <summary>Steps of the epoch that were taken so far.</summary>
    public int Taken { get; init; }

    /// <summary>Epochs so far.</summary>
    public IReadOnlyList<EpochResult> Epochs { get; init; } = [];

    /// <summary>The best of them.</summary>
    public int Best { get; init; }

    /// <summary>Writes it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">The numbers that belong to it, in an order that stays.</param>
    /// <exception cref="IOException">It can't be written; what was there stays.</exception>
    public void Write(string path, IEnumerable<float[]> tensors)
    {
        var aside = path + ".part";
        try
        {
            WriteAside(aside, tensors);
            File.Move(aside, path, overwrite: true);
        }
        catch (IOException)
        {
            File.Delete(aside); // it would keep the disk full
            throw;
        }
    }

    /// <summary>Reads one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="of">What it must be of.</param>
    /// <param name="lengths">How many numbers each of its tensors has.</param>
    /// <exception cref="InvalidTrainingException">It is damaged, or of another training.</exception>
    public static (TrainingState State, IReadOnlyList<float[]> Tensors) Read(
        string path, IReadOnlyDictionary<string, string> of, IReadOnlyList<int> lengths)
    {
        var bytes = File.ReadAllBytes(path);
        var damaged = new InvalidTrainingException(
            $"{path}: is damaged, or of another version; remove its folder and train from the beginning");
        var begin = Magic.Length + sizeof(int);
        if (bytes.Length < begin + SHA256.HashSizeInBytes || !bytes.AsSpan(0, Magic.Length).SequenceEqual(s_magic)
            || !SHA256.HashData(bytes.AsSpan(..^SHA256.HashSizeInBytes)).AsSpan().SequenceEqual(bytes.AsSpan(^SHA256.HashSizeInBytes..)))
            throw damaged;
        var header = bytes.AsSpan(begin, BitConverter.ToInt32(bytes, Magic.Length));
        var state = JsonSerializer.Deserialize<TrainingState>(header, s_json)!;
        foreach (var (what, now) in of)
        {
            var before = state.Of.GetValueOrDefault(what, "");
            if (before != now)
                throw new InvalidTrainingException(
                    $"{path}: is of another training: {what} was {before}, and is {now}; expected the same, or another --to");
        }

        var rest = MemoryMarshal.Cast<byte, float>(bytes.AsSpan((begin + header.Length)..^SHA256.HashSizeInBytes));
        if (rest.Length != lengths.Sum())
            throw damaged;
        var tensors = new List<float[]>();
        foreach (var length in lengths)
        {
            tensors.Add(rest[..length].ToArray());
            rest = rest[length..];
        }

        return (state, tensors);
    }

    private void WriteAside(string aside, IEnumerable<float[]> tensors)
    {
        using var file = new FileStream(aside, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Add(ReadOnlySpan<byte> bytes)
        {
            hash.AppendData(bytes);
            file.Write(bytes);
        }

        var header = JsonSerializer.SerializeToUtf8Bytes(this, s_json);
        Add(s_magic);
        Add(BitConverter.GetBytes(header.Length));
        Add(header);
        foreach (var tensor in tensors)
            Add(MemoryMarshal.AsBytes(tensor.AsSpan()));
        file.Write(hash.GetHashAndReset());
        file.Flush(flushToDisk: true);
    }
}
