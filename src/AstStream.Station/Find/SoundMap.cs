using System.Numerics;
using AstStream.Events.Unusual;

namespace AstStream.Station.Find;

/// <summary>
/// Puts embeddings on a plane so that those which are alike lie near each other, as UMAP does (McInnes, Healy, Melville 2018): a graph of
/// the nearest neighbours by cosine, whose edges pull, while points at random push. The same embeddings give the same map.
/// </summary>
internal static class SoundMap
{
    private const int Neighbours = 15;
    private const int Epochs = 300;
    private const int Pushes = 5; // for each pull
    private const float FallA = 1.577f; // of 1 / (1 + a·d^2b), for a least distance of 0.1
    private const float FallB = 0.8951f;
    private const float Steepest = 4; // a step at most
    private const float Width = 10; // from the middle, at the beginning

    /// <summary>Where each one lies, 0 to 1 from left to right and from top to bottom.</summary>
    /// <param name="vectors">Embeddings of one model, of one length each.</param>
    /// <param name="cancellation">Gives up.</param>
    public static IReadOnlyList<Vector2> Of(IReadOnlyList<float[]> vectors, CancellationToken cancellation)
    {
        if (vectors.Count <= 2)
            return [.. vectors.Select((_, i) => new Vector2((i + 1f) / (vectors.Count + 1), 0.5f))];
        float[][] directions = [.. vectors.Select(Direction)];
        var places = Begin(directions);
        Arrange(places, Edges(directions, cancellation), cancellation);
        return Fit(places);
    }

    private static float[] Direction(float[] vector)
    {
        var length = MathF.Sqrt(Vectors.Product(vector, vector));
        return length > 0 ? [.. vector.Select(v => v / length)] : vector;
    }

    /// <summary>The two directions in which they differ most, by the power method.</summary>
    private static Vector2[] Begin(float[][] directions)
    {
        var size = directions[0].Length;
        var mean = new float[size];
        foreach (var direction in directions)
            Add(mean, direction, 1f / directions.Length);
        float[][] rest = [.. directions.Select(d => d.Zip(mean, (value, m) => value - m).ToArray())];
        var places = new Vector2[directions.Length];
        var random = new Random(1);
        for (var axis = 0; axis < 2; axis++)
        {
            var along = Direction([.. Enumerable.Range(0, size).Select(_ => random.NextSingle() - 0.5f)]);
            for (var i = 0; i < 30; i++)
            {
                var next = new float[size];
                foreach (var row in rest)
                    Add(next, row, Vectors.Product(row, along));
                along = Direction(next);
            }

            for (var i = 0; i < rest.Length; i++)
            {
                var at = Vectors.Product(rest[i], along);
                places[i] = axis == 0 ? new Vector2(at, 0) : places[i] with { Y = at };
                Add(rest[i], along, -at);
            }
        }

        var farthest = places.Max(p => Math.Max(Math.Abs(p.X), Math.Abs(p.Y)));
        return [.. places.Select(p => (farthest > 0 ? p * (Width / farthest) : p)
            + new Vector2((random.NextSingle() - 0.5f) / 100, (random.NextSingle() - 0.5f) / 100))]; // equal ones must come apart
    }

    /// <summary>Who pulls whom, and how strongly: 0 to 1.</summary>
    private static List<(int From, int To, float Weight)> Edges(float[][] directions, CancellationToken cancellation)
    {
        var count = Math.Min(Neighbours, directions.Length - 1);
        var pulls = new Dictionary<(int, int), float>[directions.Length];
        Parallel.For(0, directions.Length, new ParallelOptions { CancellationToken = cancellation }, i =>
        {
            var distances = new float[directions.Length];
            var others = new int[directions.Length];
            for (var k = 0; k < directions.Length; k++)
                (distances[k], others[k]) = (k == i ? float.MaxValue : Math.Max(0, 1 - Vectors.Product(directions[i], directions[k])), k);
            Array.Sort(distances, others);
            var (nearest, spread) = (distances[0], Spread(distances.AsSpan(0, count)));
            pulls[i] = Enumerable.Range(0, count).ToDictionary(
                n => (i, others[n]), n => MathF.Exp(-Math.Max(0, distances[n] - nearest) / spread));
        });
        var edges = new List<(int, int, float)>();
        foreach (var ((from, to), weight) in pulls.SelectMany(p => p))
        {
            var back = pulls[to].GetValueOrDefault((to, from));
            if (from < to || back == 0)
                edges.Add((from, to, weight + back - (weight * back)));
        }

        return edges;
    }

    /// <summary>The width at which the neighbours together weigh log₂ of their number.</summary>
    private static float Spread(ReadOnlySpan<float> distances)
    {
        var (low, high, wanted) = (1e-6f, 4f, MathF.Log2(distances.Length + 1));
        for (var i = 0; i < 40; i++)
        {
            var middle = MathF.Sqrt(low * high);
            var sum = 0f;
            foreach (var distance in distances)
                sum += MathF.Exp(-Math.Max(0, distance - distances[0]) / middle);
            (low, high) = sum > wanted ? (low, middle) : (middle, high);
        }

        return high;
    }

    private static void Arrange(Vector2[] places, List<(int From, int To, float Weight)> edges, CancellationToken cancellation)
    {
        var strongest = edges.Max(e => e.Weight);
        var due = new float[edges.Count];
        var random = new Random(2);
        for (var epoch = 0; epoch < Epochs; epoch++)
        {
            cancellation.ThrowIfCancellationRequested();
            var rate = 1 - ((float)epoch / Epochs);
            for (var e = 0; e < edges.Count; e++)
            {
                var (from, to, weight) = edges[e];
                due[e] += weight / strongest;
                if (due[e] < 1)
                    continue;
                due[e]--;
                if (epoch % 2 == 1)
                    (from, to) = (to, from); // each in its turn is pushed by others
                var apart = places[from] - places[to];
                var square = apart.LengthSquared();
                var pull = square > 0
                    ? -2 * FallA * FallB * MathF.Pow(square, FallB - 1) / (1 + (FallA * MathF.Pow(square, FallB))) : 0;
                var step = Step(apart * pull) * rate;
                places[from] += step;
                places[to] -= step;
                for (var n = 0; n < Pushes; n++)
                {
                    var other = random.Next(places.Length);
                    if (other == from)
                        continue;
                    apart = places[from] - places[other];
                    square = apart.LengthSquared();
                    var push = 2 * FallB / ((0.001f + square) * (1 + (FallA * MathF.Pow(square, FallB))));
                    places[from] += Step(apart * push) * rate;
                }
            }
        }
    }

    private static Vector2 Step(Vector2 step) => Vector2.Clamp(step, new Vector2(-Steepest), new Vector2(Steepest));

    private static Vector2[] Fit(Vector2[] places)
    {
        var least = places.Aggregate(Vector2.Min);
        var size = places.Aggregate(Vector2.Max) - least;
        return [.. places.Select(p => new Vector2(
            size.X > 0 ? (p.X - least.X) / size.X : 0.5f, size.Y > 0 ? (p.Y - least.Y) / size.Y : 0.5f))];
    }

    private static void Add(Span<float> sum, ReadOnlySpan<float> added, float times)
    {
        for (var i = 0; i < sum.Length; i++)
            sum[i] += added[i] * times;
    }
}
